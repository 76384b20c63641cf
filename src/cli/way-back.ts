import type { BackupPayload } from '../contracts/cli-payloads.ts';
import type { WayBackStep } from '../contracts/guard-payload.ts';
import { isProduction } from '../contracts/production.ts';
import type { SourceSpec } from '../engine/index.ts';
import type { ChosenPlan } from './choose-plan.ts';
import type { Cli } from './cli.ts';
import { shellQuoted } from './confirm.ts';
import { copySets } from './copy-sets.ts';
import type { ArtifactDetails, BackupDetails, Engine } from './engine-door.ts';
import { loadEngine, withEngine, withProgress } from './open-engine.ts';
import { isBeside } from './original-places.ts';

/** The commands that put back what a run backed up, item by item. Reads the manifests, so that they name what is there. */
export async function wayBack(cli: Cli, chosen: ChosenPlan, made: BackupPayload): Promise<WayBackStep[]> {
  const parts = [made, ...(made.parts ?? [])];
  const ids = parts.flatMap((part) => ('backupId' in part ? [part.backupId] : []));
  const steps: WayBackStep[] = [];
  for (const id of ids)
    steps.push(...stepsOf(cli, chosen.sources, await detailsOf(cli, id), chosen.name !== null));
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

/** `isConfigured`: the sources are those of the configuration, which knows their logins. */
export function stepsOf(
  cli: Cli,
  sources: readonly SourceSpec[],
  backup: BackupDetails,
  isConfigured: boolean,
): WayBackStep[] {
  const done = new Set<string>();
  return backup.artifacts.flatMap((artifact): WayBackStep[] => {
    const spec = sources.find(({ name }) => name === artifact.source);
    const isExport = backup.artifacts.some(
      ({ source, kind }) => source === artifact.source && kind === 'pg-csv',
    );
    const item = isExport ? artifact.source : artifact.name;
    if (!spec || done.has(item)) return [];
    done.add(item);
    return [{ item, undo: null, ...commandsFor(cli, spec, artifact, backup, item, isConfigured) }];
  });
}

type Commands = Omit<WayBackStep, 'item' | 'undo'> & { readonly undo?: string };

function commandsFor(
  cli: Cli,
  spec: SourceSpec,
  artifact: ArtifactDetails,
  backup: BackupDetails,
  item: string,
  isConfigured: boolean,
): Commands {
  const restore = (to: string | null, ...more: string[]) => restoreCommand(cli, backup.id, item, to, more);
  const aside = (note: string | null = null) => ({ commands: [restore(`./${item}`)], note });
  const over = (path: string) => ({ commands: [restore(path)], note: null, undo: switchBack(cli, path) });
  switch (spec.kind) {
    case 'sqlite':
      return artifact.kind === 'sqlite' ? over(spec.path) : aside();
    case 'files': {
      const trees = backup.artifacts.filter(
        ({ source, form }) => source === artifact.source && form === 'tree',
      );
      return over(spec.paths[trees.indexOf(artifact)] ?? spec.paths[0]!);
    }
    case 'postgres': {
      if (artifact.kind === 'pg-globals') {
        return aside('roles and settings of the whole server: restore and read the file before you load it');
      }
      if (isBeside(artifact)) return aside();
      const url = new URL(spec.url);
      const needsPassword = url.password !== '';
      url.password = '';
      if (spec.tenant && spec.tenant.id !== null) {
        return {
          commands: [restore(url.href, '--tenant', spec.tenant.id)],
          note: passwordNote(needsPassword),
        };
      }
      return {
        commands: [restore(isConfigured ? null : url.href)],
        note: [isConfigured ? null : passwordNote(needsPassword), IN_PLACE].filter(Boolean).join('; '),
        undo: switchBack(cli, url.href),
      };
    }
    case 'command': {
      const file = `./${item}`;
      const then = spec.restoreCommand === null ? [] : [`(${spec.restoreCommand}) < ${shellQuoted(file)}`];
      const note = then.length > 0 ? null : 'the source has no restoreCommand: put it back in its own way';
      return { commands: [restore(file), ...then], note };
    }
  }
}

const IN_PLACE = 'add --in-place where the login may not create databases';
const passwordNote = (isNeeded: boolean) => (isNeeded ? 'write the password into the address' : null);

/** Without a target the configuration says where it goes back to. */
function restoreCommand(
  cli: Cli,
  id: string,
  item: string,
  to: string | null,
  more: readonly string[],
): string {
  return commandLine(
    cli,
    ['restore', id, item, ...(to === null ? [] : ['--to', to]), ...more],
    [...placeOptions(cli), '--confirm-restore'],
  );
}

const switchBack = (cli: Cli, target: string) =>
  commandLine(cli, ['restore', 'switch-back', target], ['--confirm-restore']);

/** What says again on another command line which repository and configuration are meant. */
export function placeOptions(cli: Cli): string[] {
  const { repository, destination, config } = cli.options;
  return [
    ...(repository ? ['--repository', repository] : []),
    ...(destination ? ['--destination', destination] : []),
    ...(config ? ['--config', config] : []),
  ];
}

function commandLine(cli: Cli, args: readonly string[], options: readonly string[]): string {
  const prefix = isProduction(cli.io.environment) ? 'CONFIRM_RESTORE_IN_PROD=true ' : '';
  return `${prefix}holdfast ${[...args, ...options].map(shellQuoted).join(' ')}`;
}

/** For people: what to type, after what. Empty when nothing can be put back. */
export function renderWayBack(steps: readonly WayBackStep[]): string {
  if (steps.length === 0) return '';
  const lines = steps.flatMap(({ item, commands, note, undo }) => [
    `  # ${item}${note ? `: ${note}` : ''}`,
    ...commands.map((command) => `  ${command}`),
    ...(undo === null ? [] : [`  # what it replaces is kept; to undo it: ${undo}`]),
  ]);
  return ['to go back, stop the application, then run:', ...lines, ''].join('\n');
}
