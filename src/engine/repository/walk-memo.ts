/**
 * What two backups share is walked once: a list or a stretch of tree records that was whole when it was met is passed over when it
 * comes again. Without this, walking costs backups times files; with it, what changed between them.
 */
export interface WalkMemo {
  /** What walking this very chunk, in this very state, came to; undefined when it was not met, or not whole. */
  find(id: Buffer, depth: number, state: readonly Buffer[]): Walked | undefined;
  /** Remembers it, unless flaws were met since `flawsBefore`: those are to be met again. */
  keep(id: Buffer, depth: number, state: readonly Buffer[], walked: Walked, flawsBefore: number): void;
  /** How many flaws were met so far. */
  flaws(): number;
}

export interface Walked {
  readonly sizeBytes: number;
  /** What a chunk leaves unfinished for the one after it. */
  readonly state: readonly Buffer[];
}

/** Bounds the memory; the oldest are forgotten first, and only cost time. */
const MAX_BYTES = 48 * 2 ** 20;
/** Of an entry besides its bytes, about. */
const ENTRY_BYTES = 250;

/** `flaws` counts what is wrong with the chunks met; without it everything met is taken for whole. */
export function walkMemo(flaws: () => number = () => 0): WalkMemo {
  const known = new Map<string, Walked>();
  let heldBytes = 0;
  return {
    flaws,
    find: (id, depth, state) => known.get(keyOf(id, depth, state)),
    keep(id, depth, state, walked, flawsBefore) {
      if (flaws() !== flawsBefore) return;
      const key = keyOf(id, depth, state);
      if (known.has(key)) return;
      known.set(key, { sizeBytes: walked.sizeBytes, state: walked.state.map((part) => Buffer.from(part)) });
      heldBytes += sizeOf(key, walked);
      for (const [oldest, forgotten] of known) {
        if (heldBytes <= MAX_BYTES) return;
        known.delete(oldest);
        heldBytes -= sizeOf(oldest, forgotten);
      }
    },
  };
}

const sizeOf = (key: string, { state }: Walked) =>
  ENTRY_BYTES + key.length + state.reduce((sum, part) => sum + part.length, 0);

/** No two states give the same key: each part is preceded by its length. */
function keyOf(id: Buffer, depth: number, state: readonly Buffer[]): string {
  let key = id.toString('latin1') + String.fromCharCode(depth);
  for (const part of state) key += `${part.length}:${part.toString('latin1')}`;
  return key;
}
