import { z } from 'zod';
import { isId, newId } from '../base/ids.ts';
import { FOLDERS, holdName, leafOf } from './object-names.ts';
import { type RepositoryContext, requireWritable } from './repository-context.ts';
import { isDamage, named, openJson, sealJson } from './sealed-json.ts';

const holdSchema = z.object({
  version: z.literal(1),
  backupId: z.string().refine(isId),
  reason: z.string(),
  createdAt: z.iso.datetime({ precision: 3 }),
});

/** Keeps a backup from being archived or purged until it is released. */
export interface Hold {
  readonly holdId: string;
  readonly backupId: string;
  /** Null when the hold object is damaged: it still holds. */
  readonly reason: string | null;
  readonly createdAt: string | null;
}

export interface Holds {
  /** Every hold, oldest first by name. Damaged ones are in it: what cannot be read still holds. */
  list(): AsyncIterable<Hold>;
  /** Throws `key_wrong` when the repository is read-only. Does not check that the backup exists. */
  place(backupId: string, reason: string): Promise<Hold>;
  /** Removes every hold of the backup; resolves with how many there were. */
  release(backupId: string): Promise<number>;
  isHeld(backupId: string): Promise<boolean>;
  /** Seals holds of older epochs under the current one; a hold is never absent meanwhile. Resolves with how many. */
  reseal(): Promise<number>;
}

export function openHolds(context: RepositoryContext): Holds {
  const { storage } = context;

  async function put(fields: { backupId: string; reason: string; createdAt: string }): Promise<Hold> {
    const holdId = newId(context.clock.nowMs());
    const bytes = sealJson(context, 'hold', { version: 1, ...fields });
    await storage.put(holdName(fields.backupId, holdId), bytes);
    return { holdId, ...fields };
  }

  async function read(name: string, backupId: string, holdId: string): Promise<Hold & { epoch: number }> {
    try {
      const bytes = await storage.get(name);
      const { value, epoch } = openJson(context, 'hold', { name, bytes }, holdSchema);
      if (value.backupId !== backupId) throw named(null, name);
      return { holdId, backupId, reason: value.reason, createdAt: value.createdAt, epoch };
    } catch (error) {
      if (!isDamage(error)) throw error;
      return { holdId, backupId, reason: null, createdAt: null, epoch: 0 };
    }
  }

  async function* names(prefix: string): AsyncGenerator<{ name: string; backupId: string; holdId: string }> {
    for await (const { name } of storage.list(prefix)) {
      const [backupId, holdId] = leafOf(name).split('_');
      if (backupId && holdId && isId(backupId)) yield { name, backupId, holdId };
    }
  }

  return {
    async *list() {
      for await (const { name, backupId, holdId } of names(FOLDERS.holds)) {
        const { epoch: _, ...hold } = await read(name, backupId, holdId);
        yield hold;
      }
    },
    async place(backupId, reason) {
      requireWritable(context);
      return put({ backupId, reason, createdAt: new Date(context.clock.nowMs()).toISOString() });
    },
    async release(backupId) {
      requireWritable(context);
      let count = 0;
      for await (const { name } of names(holdName(backupId, ''))) {
        await storage.remove(name);
        count += 1;
      }
      return count;
    },
    async isHeld(backupId) {
      for await (const _ of names(holdName(backupId, ''))) return true;
      return false;
    },
    async reseal() {
      requireWritable(context);
      let count = 0;
      const found = [];
      for await (const entry of names(FOLDERS.holds)) found.push(entry);
      for (const { name, backupId, holdId } of found) {
        const hold = await read(name, backupId, holdId);
        if (hold.epoch === context.keys.epoch || hold.reason === null || hold.createdAt === null) continue;
        await put({ backupId, reason: hold.reason, createdAt: hold.createdAt });
        await storage.remove(name);
        count += 1;
      }
      return count;
    },
  };
}
