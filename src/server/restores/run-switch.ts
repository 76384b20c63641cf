/** The ways back from a restore, as jobs: done where the restore was done. */
import { dropKept, type Progress, switchBack } from '../../engine/index.ts';
import type { JobOutcome } from '../jobs/port.ts';
import { type RunConfig, type RunnerParts, runConfig } from '../worker/runner-parts.ts';
import { isSameDatabase } from './restore-target.ts';

export interface SwitchPayload {
  readonly action: 'switch-back' | 'drop-old';
  /** A target as `listSwitches` names it, an absolute path, or the name of a stored source. */
  readonly to: string;
  readonly graceMs: number;
}

export const isSwitch = (payload: object): payload is SwitchPayload => 'action' in payload;

/** Throws `usage` when nothing is kept of the target, `target_busy`, `target_failed`. */
export async function runSwitch(
  parts: RunnerParts,
  { action, to, graceMs }: SwitchPayload,
  progress: Progress,
  signal: AbortSignal,
): Promise<JobOutcome> {
  const run = await runConfig(parts);
  const logins = await loginsOf(parts, run);
  const named = Object.hasOwn(run.config.sources, to) ? await placeOf(parts, run, to) : to;
  // The list has no passwords: the stored source of the same database has.
  const target = logins.find((login) => isSameDatabase(login, named)) ?? named;
  const safe = { stateFolder: await stateFolderOf(parts, run), graceMs };
  const change = action === 'switch-back' ? switchBack : dropKept;
  return { status: 'succeeded', result: await change({ safe, target, logins, progress, signal }) };
}

async function placeOf({ workplace }: RunnerParts, { config }: RunConfig, name: string): Promise<string> {
  const source = await workplace.source(config, name);
  if (source.kind === 'sqlite') return source.path;
  if (source.kind === 'postgres') return source.url;
  return source.kind === 'files' ? source.paths[0]! : name;
}

/** Databases of the configuration, as far as their addresses can be read. */
async function loginsOf({ workplace }: RunnerParts, { config }: RunConfig): Promise<string[]> {
  const logins: string[] = [];
  for (const [name, { kind }] of Object.entries(config.sources)) {
    if (kind !== 'postgres') continue;
    const spec = await workplace.source(config, name).catch(() => null);
    if (spec?.kind === 'postgres') logins.push(spec.url);
  }
  return logins;
}

/** Where this machine remembers what it exchanged: any destination says it. */
async function stateFolderOf({ workplace }: RunnerParts, { config }: RunConfig): Promise<string> {
  let failure: unknown = new Error('there is no destination');
  for (const name of Object.keys(config.destinations)) {
    try {
      return (await (await workplace.destination(config, name)).options()).stateFolder;
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}
