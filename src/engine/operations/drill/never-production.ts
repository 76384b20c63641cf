import { parsePostgresAddress } from '../../sources/postgres/index.ts';
import type { SourceSpec } from '../source-spec.ts';

/**
 * Why something must not be started: its command or environment names live data. Null when it does not. A second wall
 * behind the sandbox, and the only one where there is none.
 */
export function refuseProduction(
  started: { readonly command: string; readonly environment: Readonly<Record<string, string>> },
  sources: readonly SourceSpec[],
): string | null {
  const texts: [what: string, text: string][] = [
    ['its command', started.command],
    ...Object.entries(started.environment).map(([name, value]): [string, string] => [
      `its variable ${name}`,
      value,
    ]),
  ];
  for (const [what, text] of texts) {
    const source = sources.find((spec) => names(text, spec));
    if (source) return `not started: ${what} names the live data of ${source.name}`;
  }
  return null;
}

function names(text: string, spec: SourceSpec): boolean {
  if (spec.kind === 'sqlite') return holdsPath(text, spec.path);
  if (spec.kind !== 'postgres') return false;
  if (text.includes(spec.url)) return true;
  const live = parsePostgresAddress(spec.url);
  return (text.match(/postgres(?:ql)?:\/\/[^\s'"]+/gi) ?? []).some((url) => {
    try {
      const found = parsePostgresAddress(url);
      return placeOf(found) === placeOf(live) && found.database === live.database;
    } catch {
      return false;
    }
  });
}

/** True when a server is one that is backed up: a scratch database does not belong there. */
export function isLiveServer(url: string, sources: readonly SourceSpec[]): boolean {
  const server = placeOf(parsePostgresAddress(url));
  return sources.some(
    (spec) => spec.kind === 'postgres' && placeOf(parsePostgresAddress(spec.url)) === server,
  );
}

const LOCAL: ReadonlySet<string> = new Set([
  'localhost',
  '127.0.0.1',
  '::1',
  '/var/run/postgresql',
  '/run/postgresql',
  '/tmp',
]);

function placeOf({ host, port }: { readonly host: string; readonly port: number }): string {
  return `${LOCAL.has(host.toLowerCase()) ? 'this machine' : host.toLowerCase()}:${port}`;
}

function holdsPath(text: string, path: string): boolean {
  const at = text.indexOf(path);
  if (at < 0) return false;
  const next = text[at + path.length];
  return next === undefined || !/[A-Za-z0-9._-]/.test(next);
}
