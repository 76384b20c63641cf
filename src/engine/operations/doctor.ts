import { DAY_MS } from '../base/clock.ts';
import { findTools } from '../sources/postgres/index.ts';
import type { OperationContext } from './context.ts';
import { statusOf } from './list.ts';
import { testStorage } from './test-destination.ts';

export interface DoctorCheck {
  readonly name: string;
  readonly status: 'ok' | 'warning' | 'problem';
  readonly message: string;
  readonly next: string | null;
}

const LOW_BYTES = 2 * 1000 ** 3;
const OLD_MS = 8 * DAY_MS;

const ok = (name: string, message: string): DoctorCheck => ({ name, status: 'ok', message, next: null });
const warning = (name: string, message: string, next: string): DoctorCheck => ({
  name,
  status: 'warning',
  message,
  next,
});

/** What would make a backup or a recovery fail today. Leaves everything as it was. */
export async function doctor(context: OperationContext): Promise<DoctorCheck[]> {
  return [
    ok('repository', `opens; ${context.repository.keys.writable ? 'the key may write' : 'read-only'}`),
    ...findingChecks(context),
    ...(await testStorage(context.repository.storage, context.signal)),
    await spaceCheck(context),
    await keyCheck(context),
    await backupCheck(context),
    await toolCheck(),
  ];
}

function findingChecks({ repository }: OperationContext): DoctorCheck[] {
  return repository.findings.map(({ code, message }) => ({
    name: code,
    status: 'problem',
    message,
    next: 'run holdfast verify',
  }));
}

async function spaceCheck({ repository }: OperationContext): Promise<DoctorCheck> {
  const free = await repository.storage.freeBytes();
  if (free === null) return ok('space', 'the destination does not say how much is free');
  const text = `${(free / 1000 ** 3).toFixed(1)} GB free at the destination`;
  return free < LOW_BYTES ? warning('space', text, 'free space, or prune') : ok('space', text);
}

async function keyCheck({ repository }: OperationContext): Promise<DoctorCheck> {
  const current = (await repository.listSlots()).filter((slot) => slot.current);
  if (current.length > 0 && current.every(({ kind }) => kind === 'kms')) {
    return warning(
      'keys',
      'only a key management service opens the repository: who loses the account or the key in it loses every backup',
      'add a key of your own with holdfast key add --key-file, and keep it away from here',
    );
  }
  if (current.length > 1) return ok('keys', `${current.length} keys open the repository`);
  return warning(
    'keys',
    'one key opens the repository: whoever loses it loses every backup',
    'keep a copy elsewhere, or add a second one with holdfast key add',
  );
}

async function backupCheck({ repository, clock }: OperationContext): Promise<DoctorCheck> {
  for await (const { manifest } of repository.manifests.readAll()) {
    if (statusOf(manifest) !== 'succeeded') continue;
    const ageMs = clock.nowMs() - Date.parse(manifest.startedAt);
    const text = `the last good backup is ${(ageMs / DAY_MS).toFixed(1)} days old`;
    return ageMs > OLD_MS ? warning('backups', text, 'run holdfast backup') : ok('backups', text);
  }
  return warning('backups', 'there is no good backup', 'run holdfast backup');
}

async function toolCheck(): Promise<DoctorCheck> {
  const found = await findTools(0).catch(() => null);
  if (found) return ok('postgresql tools', `pg_dump ${found.version} found in ${found.folder}`);
  return warning(
    'postgresql tools',
    'no pg_dump was found; PostgreSQL would be exported as CSV',
    'install postgresql-client of your server version',
  );
}
