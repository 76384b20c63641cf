/** Buffers shared between the thread that reads and the threads that hash, compress and encrypt. */
export interface SlotPool {
  readonly memory: SharedArrayBuffer;
  /** The bytes of a slot. */
  view(slot: number): Buffer;
  /** A free slot, at once when there is one. */
  acquire(): number | Promise<number>;
  release(slot: number): void;
  /** Rejects whoever waits. */
  fail(error: unknown): void;
}

/** Holds the longest chunk whole. */
export const SLOT_BYTES = 4 * 2 ** 20;

export function slotPool(count: number): SlotPool {
  const memory = new SharedArrayBuffer(count * SLOT_BYTES);
  const views = Array.from({ length: count }, (_, slot) =>
    Buffer.from(memory, slot * SLOT_BYTES, SLOT_BYTES),
  );
  const free = views.map((_, slot) => slot);
  let waiting: { resolve: (slot: number) => void; reject: (error: unknown) => void }[] = [];
  return {
    memory,
    view: (slot) => views[slot]!,
    acquire() {
      const slot = free.pop();
      return slot ?? new Promise((resolve, reject) => waiting.push({ resolve, reject }));
    },
    release(slot) {
      const next = waiting.shift();
      if (next) next.resolve(slot);
      else free.push(slot);
    },
    fail(error) {
      for (const { reject } of waiting) reject(error);
      waiting = [];
    },
  };
}
