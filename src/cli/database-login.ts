import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { SourceSpec } from '../engine/index.ts';
import type { Cli } from './cli.ts';
import { warnAboutPassword } from './mask.ts';
import { isPostgresAddress, recogniseSource } from './recognise-source.ts';

type Asker = Pick<Cli, 'io' | 'note'>;

/**
 * A database address with the password that psql would take for it: PGPASSWORD, else the first line of PGPASSFILE or `~/.pgpass` that
 * fits (PostgreSQL manual, 34.16). An address that has one, and one that nothing is known for, stay as they are. Of libpq's rules
 * that for a file which others can read counts, too: it is said that it was left out.
 */
export async function withPassword(cli: Asker, url: string): Promise<string> {
  const { PGPASSWORD } = cli.io.environment;
  const file = PGPASSWORD ? null : await passwordFile(cli);
  if (!PGPASSWORD && file === null) return url;
  const { parsePostgresAddress } = await import('../engine/index.ts');
  const address = parsePostgresAddress(url);
  if (address.password !== '') return url;
  const password = PGPASSWORD || passwordIn(file ?? '', address);
  if (!password) return url;
  const [, scheme = '', login = '', rest = ''] =
    /^([a-z]+:\/\/)(?:([^/?#@]*)@)?(.*)$/is.exec(url.trim()) ?? [];
  const user = login.replace(/:.*$/s, '') || encodeURIComponent(address.user);
  return `${scheme}${user}:${encodeURIComponent(password)}@${rest}`;
}

/** A source that the command line names, a database with its password. Warns of a password in the text. Throws what `recogniseSource` throws. */
export async function givenSource(cli: Asker, given: string): Promise<SourceSpec> {
  warnAboutPassword(cli, given);
  const source = await recogniseSource(given, cli.io.folder);
  return source.kind === 'postgres' ? { ...source, url: await withPassword(cli, source.url) } : source;
}

/** The target of a restore that the command line names: a database with its password, or an absolute path. Warns of a password in the text. */
export async function givenTarget(cli: Asker, given: string): Promise<string> {
  warnAboutPassword(cli, given);
  return isPostgresAddress(given) ? withPassword(cli, given) : resolve(cli.io.folder, given);
}

interface Login {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
}

/** What stands in it; null when there is none to use. */
async function passwordFile({ io, note }: Asker): Promise<string | null> {
  const { PGPASSFILE } = io.environment;
  const file = PGPASSFILE ? resolve(io.folder, PGPASSFILE) : join(io.userFolder, '.pgpass');
  const info = await stat(file).catch(() => null);
  if (!info?.isFile()) return null;
  if ((info.mode & 0o077) === 0) return readFile(file, 'utf8').catch(() => null);
  note(`warning: ${file} is not used: others can read it; run chmod 600 on it`);
  return null;
}

const DEFAULT_SOCKETS = ['/var/run/postgresql', '/tmp'];

/** The password of the first line that fits; null for none. A local socket is called `localhost` there. */
export function passwordIn(text: string, { host, port, database, user }: Login): string | null {
  const hosts = DEFAULT_SOCKETS.includes(host) ? ['localhost', host] : [host];
  const wanted = [hosts, [String(port)], [database], [user]];
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith('#')) continue;
    const fields = fieldsOf(line);
    const fits = wanted.every((values, i) => fields[i] === '*' || values.includes(fields[i] ?? ''));
    if (fits && fields[4] !== undefined) return fields[4];
  }
  return null;
}

/** Five fields divided by colons; a backslash takes the next character as it is. */
function fieldsOf(line: string): string[] {
  const fields: string[] = [];
  let field = '';
  for (let i = 0; i < line.length; i += 1) {
    if (line[i] === ':' && fields.length < 4) {
      fields.push(field);
      field = '';
    } else {
      if (line[i] === '\\' && i + 1 < line.length) i += 1;
      field += line[i];
    }
  }
  return [...fields, field];
}
