/** Buffers shared between threads, lent and given back by number. */
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

/** A slot of input holds the longest chunk whole. */
export const SLOT_BYTES = 4 * 2 ** 20;

/** The slot given back last is lent first, and one never lent costs no memory. */
export function slotPool(count: number, slotBytes: number): SlotPool {
  const memory = new SharedArrayBuffer(count * slotBytes);
  const views = Array.from({ length: count }, (_, slot) => slotView(memory, slot, slotBytes));
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

/** The bytes of a slot, as another thread sees them. */
export function slotView(memory: SharedArrayBuffer, slot: number, slotBytes: number): Buffer {
  return Buffer.from(memory, slot * slotBytes, slotBytes);
}
