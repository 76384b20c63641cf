import type { BackupPayload } from '../contracts/cli-payloads.ts';
import type { WayBackStep } from '../contracts/guard-payload.ts';
import type { ChosenPlan } from './choose-plan.ts';
import type { Cli } from './cli.ts';
import { isProduction, shellQuoted } from './confirm.ts';
import { copySets } from './copy-sets.ts';
import type { ArtifactDetails, BackupDetails, Engine } from './engine-door.ts';
import { loadEngine, withEngine, withProgress } from './open-engine.ts';
import { isBeside } from './original-places.ts';
import type { SourceSpec } from './recognise-source.ts';

/** The commands that put back what a run backed up, item by item. Reads the manifests, so that they name what is there. */
export async function wayBack(cli: Cli, chosen: ChosenPlan, made: BackupPayload): Promise<WayBackStep[]> {
  const parts = [made, ...(made.parts ?? [])];
  const ids = parts.flatMap((part) => ('backupId' in part ? [part.backupId] : []));
  const steps: WayBackStep[] = [];
  for (const id of ids) steps.push(...stepsOf(cli, chosen.sources, await detailsOf(cli, id)));
  return steps;
}

async function detailsOf(cli: Cli, id: string): Promise<BackupDetails> {
  const show = (engine: Engine) => engine.show(id);
  const sets = await copySets(cli);
  if (sets === null) return withEngine(cli, null, show);
  const specs = [...new Set(sets.flatMap((set) => set.specs))];
  const { withNearestCopy } = await loadEngine(cli);
  return withProgress(cli, (progress) =>
    withNearestCopy(specs, id, { progress, signal: cli.signal }, ({ engine }) => show(engine)),
  );
}

/** Exported for its test. */
export function stepsOf(cli: Cli, sources: readonly SourceSpec[], backup: BackupDetails): WayBackStep[] {
  const done = new Set<string>();
  return backup.artifacts.flatMap((artifact): WayBackStep[] => {
    const spec = sources.find(({ name }) => name === artifact.source);
    const isExport = backup.artifacts.some(
      ({ source, kind }) => source === artifact.source && kind === 'pg-csv',
    );
    const item = isExport ? artifact.source : artifact.name;
    if (!spec || done.has(item)) return [];
    done.add(item);
    return [{ item, ...commandsFor(cli, spec, artifact, backup, item) }];
  });
}

function commandsFor(
  cli: Cli,
  spec: SourceSpec,
  artifact: ArtifactDetails,
  backup: BackupDetails,
  item: string,
): Omit<WayBackStep, 'item'> {
  const restore = (to: string) => restoreCommand(cli, backup.id, item, to);
  switch (spec.kind) {
    case 'sqlite':
      if (artifact.kind !== 'sqlite') return { commands: [restore(`./${item}`)], note: null };
      return { commands: [restore(spec.path)], note: null };
    case 'files': {
      const trees = backup.artifacts.filter(
        ({ source, form }) => source === artifact.source && form === 'tree',
      );
      const path = spec.paths[trees.indexOf(artifact)] ?? spec.paths[0]!;
      return { commands: [restore(path)], note: null };
    }
    case 'postgres':
      if (artifact.kind === 'pg-globals') {
        const note = 'roles and settings of the whole server: restore and read the file before you load it';
        return { commands: [restore(`./${item}`)], note };
      }
      if (isBeside(artifact)) return { commands: [restore(`./${item}`)], note: null };
      if (spec.tenant && spec.tenant.id !== null) {
        const tenant = `--tenant ${shellQuoted(spec.tenant.id)}`;
        const url = new URL(spec.url);
        url.password = '';
        return { commands: [`${restore(url.href)} ${tenant}`], note: null };
      }
      return postgresCommands(spec.url, backup.id, restore);
    case 'command': {
      const file = `./${item}`;
      const then = spec.restoreCommand === null ? [] : [`(${spec.restoreCommand}) < ${shellQuoted(file)}`];
      const note = then.length > 0 ? null : 'the source has no restoreCommand: put it back in its own way';
      return { commands: [restore(file), ...then], note };
    }
  }
}

function restoreCommand(cli: Cli, id: string, item: string, to: string): string {
  const { repository, destination, config } = cli.options;
  const args = [
    ...['restore', id, item, '--to', to],
    ...(repository ? ['--repository', repository] : []),
    ...(destination ? ['--destination', destination] : []),
    ...(config ? ['--config', config] : []),
    '--confirm-restore',
  ];
  const prefix = isProduction(cli.io.environment) ? 'CONFIRM_RESTORE_IN_PROD=true ' : '';
  return `${prefix}holdfast ${args.map(shellQuoted).join(' ')}`;
}

/** A database is restored beside the one that is there and takes its name; the other one stays, for looking into. */
function postgresCommands(
  address: string,
  id: string,
  restore: (to: string) => string,
): Omit<WayBackStep, 'item'> {
  const url = new URL(address);
  url.password = '';
  const name = decodeURIComponent(url.pathname.slice(1)) || 'postgres';
  const mark = id.slice(-8);
  const [before, failed] = [`${name}_before_${mark}`, `${name}_failed_${mark}`];
  const at = (database: string) => {
    const target = new URL(url);
    target.pathname = `/${encodeURIComponent(database)}`;
    return target.href;
  };
  const rename = (from: string, to: string) =>
    `-c ${shellQuoted(`alter database ${quoted(from)} rename to ${quoted(to)}`)}`;
  return {
    commands: [
      restore(at(before)),
      `psql ${shellQuoted(at('postgres'))} -v ON_ERROR_STOP=1 ${rename(name, failed)} ${rename(before, name)}`,
    ],
    note: `nothing may be connected to ${name} for the second command; a password comes from ~/.pgpass or PGPASSWORD`,
  };
}

const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;

/** For people: what to type, after what. Empty when nothing can be put back. */
export function renderWayBack(steps: readonly WayBackStep[]): string {
  if (steps.length === 0) return '';
  const lines = steps.flatMap(({ item, commands, note }) => [
    `  # ${item}${note === null ? '' : `: ${note}`}`,
    ...commands.map((command) => `  ${command}`),
  ]);
  return ['to go back, stop the application, then run:', ...lines, ''].join('\n');
}
