import { randomBytes } from 'node:crypto';
import { asHoldfastError, codeOf, type HoldfastError } from '../base/errors.ts';
import { newId } from '../base/ids.ts';
import { openStorage } from '../storage/open-storage.ts';
import type { Storage, StorageFinding } from '../storage/port.ts';
import type { StorageSettings } from '../storage/storage-settings.ts';

const SIZE_BYTES = 4096;

/**
 * Writes an object, reads it back, lists and deletes it, and says of each what went wrong and which permission is
 * missing. Throws nothing but `usage` for a wrong address and the abort.
 */
export async function testDestination(request: {
  readonly address: string;
  readonly storage?: StorageSettings;
  readonly signal: AbortSignal;
}): Promise<StorageFinding[]> {
  const storage = await openStorage(request.address, request.storage);
  try {
    return await testStorage(storage, request.signal);
  } finally {
    await storage.close();
  }
}

/** See `testDestination`. */
export async function testStorage(storage: Storage, signal: AbortSignal): Promise<StorageFinding[]> {
  const name = `test/${newId()}`;
  const bytes = randomBytes(SIZE_BYTES);
  const checks: StorageFinding[] = [];
  const step = async (what: string, work: () => Promise<string | null>): Promise<boolean> => {
    const problem = await work().then(
      (message) => message && { message, next: 'do not use this destination' },
      (error: unknown) => said(error, signal),
    );
    if (problem) checks.push({ name: `destination, ${what}`, status: 'problem', ...problem });
    return !problem;
  };
  const written = await step('write', async () => {
    const outcome = await storage.put(name, bytes, { signal });
    return outcome === 'created' ? null : 'a new object was said to exist already';
  });
  if (written) {
    await step('read', async () => {
      const read = await storage.get(name, undefined, { signal });
      return read.equals(bytes) ? null : 'other bytes came back than were written';
    });
    await step('list', async () => {
      for await (const found of storage.list('test/', { signal })) if (found.name === name) return null;
      return 'an object that was just written is not listed';
    });
  }
  const fine = checks.length === 0;
  const deletion = written ? await deletionCheck(storage, name, signal) : null;
  if (fine) {
    const steps = deletion ? 'writes, reads back and lists' : 'writes, reads back, lists and deletes';
    checks.push({ name: 'destination', status: 'ok', message: `${storage.address} ${steps}`, next: null });
  }
  if (deletion) checks.push(deletion);
  if (fine && storage.inspect) checks.push(...(await findings(storage, signal)));
  return checks;
}

/** A key that may not delete is a good key for a host that only makes backups. */
async function deletionCheck(
  storage: Storage,
  name: string,
  signal: AbortSignal,
): Promise<StorageFinding | null> {
  try {
    await storage.remove(name, { signal });
    if ((await storage.stat(name, { signal })) === null) return null;
    const message = 'an object that was deleted is still there';
    return { name: 'destination, delete', status: 'problem', message, next: 'do not use this destination' };
  } catch (error) {
    const { message } = said(error, signal);
    if (codeOf(error) !== 'storage_denied')
      return { name: 'destination, delete', status: 'problem', message, next: said(error, signal).next };
    return {
      name: 'destination, delete',
      status: 'warning',
      message: `${message}; backups work, and nobody can delete them with it`,
      next: 'run rotate and prune elsewhere, with a key that may delete',
    };
  }
}

async function findings(storage: Storage, signal: AbortSignal): Promise<StorageFinding[]> {
  try {
    const found = (await storage.inspect?.()) ?? [];
    return found.map((finding) => ({ ...finding, name: `destination, ${finding.name}` }));
  } catch (error) {
    return [{ name: 'destination', status: 'problem', ...said(error, signal) }];
  }
}

function said(error: unknown, signal: AbortSignal): { message: string; next: string } {
  signal.throwIfAborted();
  const ours: HoldfastError = asHoldfastError(error);
  return { message: ours.message, next: ours.next };
}
