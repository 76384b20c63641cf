import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { ErrorCode } from '../base/errors.ts';
import { systemCode } from '../base/errors.ts';
import type { Manifest } from './manifest.ts';
import { manifestPath } from './manifest-path.ts';

const entrySchema = z.object({ id: z.string(), path: z.string(), startedAt: z.string() });
const stateSchema = z.object({
  version: z.literal(1),
  repositoryId: z.string(),
  epoch: z.int().min(0),
  plans: z.record(z.string(), entrySchema),
});

/** The newest backup of a plan that this machine has seen. `path` is below `backups/` or `archived/`. */
export type SeenBackup = z.infer<typeof entrySchema>;
type State = z.infer<typeof stateSchema>;

/** Something an operator should know about the repository; it opened nevertheless. */
export interface Finding {
  readonly code: ErrorCode;
  readonly message: string;
}

/**
 * What this machine remembers of a repository, so that storage cannot show it an older one unnoticed.
 * A cache: losing it loses only the ability to notice.
 */
export interface SeenState {
  readonly epoch: number;
  readonly plans: ReadonlyMap<string, SeenBackup>;
  noteEpoch(epoch: number): void;
  /** Remembers a backup that passed all checks when it is the newest of its plan. */
  note(manifest: Manifest): void;
  /** Forgets a backup that was purged on purpose. */
  forget(backupId: string): void;
  /** Resolves once everything noted is on disk. Never throws: a machine that cannot remember still backs up. */
  flush(): Promise<void>;
}

/** Plans of different tenants, and backups without a plan by type, are remembered apart. */
export function planKey(manifest: Pick<Manifest, 'tenantId' | 'plan' | 'type'>): string {
  return `${manifest.tenantId ?? 'global'}/${manifest.type}/${manifest.plan ?? ''}`;
}

const isNewer = (a: SeenBackup, b: SeenBackup | undefined) =>
  b === undefined || a.startedAt > b.startedAt || (a.startedAt === b.startedAt && a.id > b.id);

/** Reads the state of one repository from its file in the folder; a missing or unreadable file is an empty one. */
export async function openSeenState(folder: string, repositoryId: string): Promise<SeenState> {
  const file = join(folder, `seen-${repositoryId}.json`);
  const loaded = await load(file, repositoryId);
  let epoch = loaded.epoch;
  const plans = new Map(Object.entries(loaded.plans));
  const forgotten = new Set<string>();
  let dirty = false;
  let saving: Promise<void> = Promise.resolve();

  async function save(): Promise<void> {
    if (!dirty) return;
    dirty = false;
    try {
      // Another process may have seen more in the meantime.
      const disk = await load(file, repositoryId);
      epoch = Math.max(epoch, disk.epoch);
      for (const [key, entry] of Object.entries(disk.plans)) {
        if (!forgotten.has(entry.id) && isNewer(entry, plans.get(key))) plans.set(key, entry);
      }
      await writeAtomically(folder, file, {
        version: 1,
        repositoryId,
        epoch,
        plans: Object.fromEntries(plans),
      });
    } catch {
      // The next note tries again.
    }
  }
  const schedule = () => {
    if (dirty) return;
    dirty = true;
    saving = saving.then(save);
  };

  return {
    get epoch() {
      return epoch;
    },
    plans,
    noteEpoch(seen) {
      if (seen <= epoch) return;
      epoch = seen;
      schedule();
    },
    note(manifest) {
      const entry = { id: manifest.id, path: manifestPath(manifest), startedAt: manifest.startedAt };
      const key = planKey(manifest);
      if (!isNewer(entry, plans.get(key))) return;
      plans.set(key, entry);
      schedule();
    },
    forget(backupId) {
      forgotten.add(backupId);
      for (const [key, entry] of plans) {
        if (entry.id !== backupId) continue;
        plans.delete(key);
        schedule();
      }
    },
    flush: () => saving,
  };
}

async function load(file: string, repositoryId: string): Promise<State> {
  const empty: State = { version: 1, repositoryId, epoch: 0, plans: {} };
  try {
    const parsed = stateSchema.safeParse(JSON.parse(await readFile(file, 'utf8')));
    return parsed.success && parsed.data.repositoryId === repositoryId ? parsed.data : empty;
  } catch (error) {
    if (error instanceof SyntaxError || systemCode(error) === 'ENOENT') return empty;
    throw error;
  }
}

async function writeAtomically(folder: string, file: string, state: State): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const temporary = `${file}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    const handle = await open(temporary, 'wx', 0o600);
    try {
      await handle.writeFile(JSON.stringify(state));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
