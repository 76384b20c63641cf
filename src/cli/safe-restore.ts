/** What a restore replaces is backed up first, and kept beside afterwards. */

import { join } from 'node:path';
import { asHoldfastError, HoldfastError } from '../engine/base/errors.ts';
import type { SourceSpec } from '../engine/index.ts';
import type { Cli } from './cli.ts';
import { shellQuoted } from './confirm.ts';
import type { Engine, RestorePlan, RestoreRequest, SafeRestore } from './engine-door.ts';
import { formatCount, printable } from './format.ts';
import { loadEngine } from './open-engine.ts';
import { homeFolder } from './settings.ts';

export interface PlannedRequest {
  readonly request: RestoreRequest & { readonly safe: SafeRestore };
  readonly plan: RestorePlan;
}

/** Seconds as written. Throws `usage`. */
export function graceOf(seconds: string): number {
  if (/^\d{1,5}(\.\d+)?$/.test(seconds)) return Number(seconds) * 1000;
  throw new HoldfastError('usage', `--grace ${printable(seconds)} is no number of seconds`);
}

export const stateFolderOf = (cli: Cli) => join(homeFolder(cli.io), 'state');

export function safeRestore(cli: Cli, graceMs: number, inPlace: boolean): SafeRestore {
  return {
    stateFolder: stateFolderOf(cli),
    graceMs,
    inPlace,
    onConnected(target, who) {
      const sessions = who.map(
        ({ user, application, client, count }) =>
          `${formatCount(count, 'session')} of ${printable(user)} (${printable(application || 'no name')}, ${client})`,
      );
      const seconds = formatCount(graceMs / 1000, 'second');
      cli.note(
        `warning: connected to ${printable(target)}: ${sessions.join('; ')}; transactions get ${seconds} to end, then the sessions are ended`,
      );
    },
  };
}

/** Null when nothing is replaced. Whatever keeps it from being made stops the restore. */
export async function safetyBackup(
  cli: Cli,
  engine: Engine,
  planned: readonly PlannedRequest[],
): Promise<string | null> {
  const { safetySources, SAFETY_PLAN } = await loadEngine(cli);
  const found: SourceSpec[] = [];
  for (const { request, plan } of planned) found.push(...(await safetySources(request.target, plan.steps)));
  if (found.length === 0) return null;
  const sources = found.map((source, i) => {
    const isTaken = found.slice(0, i).some(({ name }) => name === source.name);
    return isTaken ? { ...source, name: `${source.name}-${i + 1}` } : source;
  });
  try {
    const made = await engine.backup({ sources, plan: SAFETY_PLAN, tenantId: null, type: 'full' });
    const [problem] = made.problems;
    if (made.status !== 'succeeded' && made.problems.some(({ cause }) => cause !== 'damaged')) {
      throw new HoldfastError('source_incomplete', `${problem?.path}: ${problem?.message}`);
    }
    cli.note(`safety backup ${made.backupId} holds what is replaced now`);
    return made.backupId;
  } catch (error) {
    cli.signal.throwIfAborted();
    const { code, message, next } = asHoldfastError(error);
    throw new HoldfastError(
      code,
      `nothing was restored: no safety backup of the target could be made: ${message}`,
      {
        cause: error,
        next: `${next}, or add --no-safety-backup`,
      },
    );
  }
}

export function renderKept({ target, keptAt }: { readonly target: string; readonly keptAt: string }): string {
  const back = `holdfast restore switch-back ${shellQuoted(target)} --confirm-restore`;
  return `what was at ${printable(target)} is kept at ${printable(keptAt)}\n  back:  ${printable(back)}\n`;
}
