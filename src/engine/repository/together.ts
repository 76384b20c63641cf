/**
 * Waits for all, so that on a distant destination they take the time of one. Rejects with the failure of the first in order, once all
 * have ended: nothing is under way any more when the caller gives up and closes the storage.
 */
export async function together<T extends readonly Promise<unknown>[]>(
  ...all: T
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  const ends = await Promise.allSettled(all);
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  return Promise.all(all) as Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }>;
}
