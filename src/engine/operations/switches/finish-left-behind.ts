import { asHoldfastError } from '../../base/errors.ts';
import type { Progress } from '../../base/progress.ts';
import { type PostgresAddress, parsePostgresAddress } from '../../sources/postgres/index.ts';
import { resolvePaths } from './switch-paths.ts';
import { resolvePostgres } from './switch-postgres.ts';
import { isLeftBehind, readRecords, type SwitchRecord } from './switch-record.ts';

/**
 * Brings exchanges to their end whose process is no more. Those of databases only on the server of `target`, whose login is at hand. What
 * cannot be finished now is warned about, and stays for the next command.
 */
export async function finishLeftBehind(
  stateFolder: string,
  target: string | null,
  progress: Pick<Progress, 'warn'>,
): Promise<void> {
  const address = addressOf(target);
  for (const record of readRecords(stateFolder).filter(isLeftBehind)) {
    if (record.kind === 'postgres' && !(address && isSameServer(record, address))) continue;
    try {
      const ended =
        record.kind === 'postgres'
          ? await resolvePostgres(stateFolder, record, { ...address!, database: record.live })
          : resolvePaths(stateFolder, record);
      progress.warn(`${record.target}: ${meaningOf(ended)}`);
    } catch (error) {
      const { message } = asHoldfastError(error);
      progress.warn(`${record.target}: an interrupted restore could not be cleared up: ${message}`);
    }
  }
}

function meaningOf(ended: SwitchRecord | null): string {
  if (ended === null) return 'an interrupted restore was cleared up; nothing had been exchanged';
  return ended.state === 'switched'
    ? `an interrupted restore is complete: what was there is kept at ${ended.kept}`
    : `an interrupted switch-back is complete: what was restored is kept at ${ended.undone}`;
}

function addressOf(target: string | null): PostgresAddress | null {
  if (target === null || !/^postgres(ql)?:\/\//i.test(target)) return null;
  return parsePostgresAddress(target);
}

/** The address of a record names the same server, whoever logged in. */
export function isSameServer(record: SwitchRecord, { host, port }: PostgresAddress): boolean {
  const recorded = parsePostgresAddress(record.target);
  return recorded.host === host && recorded.port === port;
}

export function isOf(record: SwitchRecord, target: string): boolean {
  const address = addressOf(target);
  if (record.kind !== 'postgres') return record.live === target;
  return address !== null && isSameServer(record, address) && address.database === record.live;
}
