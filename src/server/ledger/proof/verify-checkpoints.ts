import { basename } from 'node:path';
import { type KnownKeys, whyNotActive } from './ledger-keys.ts';
import { type Line, readLines } from './lines.ts';
import { type Problem, problem } from './report.ts';
import { checkpointSchema, keyDetailSchema } from './schemas.ts';
import {
  type Checkpoint,
  type Entry,
  isHashRight,
  isSignatureRight,
  NOTHING_BEFORE,
  type Stream,
} from './statements.ts';

/** Walks through the checkpoints beside the entries they are about, and stops at the first that is wrong. */
export function checkpointWalk(file: string, stream: Stream, keys: KnownKeys) {
  const where = basename(file);
  const lines = readLines(file);
  const problems: Problem[] = [];
  let last: Checkpoint | null = null;
  let ledgerId: string | null = null;
  /** The next one, not yet looked at; null at the end, undefined before the first. */
  let next: { readonly line: number; readonly checkpoint: Checkpoint } | null | undefined;

  const give = (found: Problem) => {
    problems.push(found);
    next = null;
  };
  const advance = async () => {
    const { value: line, done } = (await lines.next()) as IteratorResult<Line, undefined>;
    next = null;
    if (done) return;
    if ('flaw' in line) {
      const message = line.line === 0 ? `${where} ${line.flaw}` : `line ${line.line} ${line.flaw}`;
      return give(problem(line.line === 0 ? 'file_missing' : 'line_malformed', where, message, line));
    }
    const read = checkpointSchema.safeParse(line.value);
    if (!read.success) {
      return give(
        problem('line_malformed', where, `line ${line.line} is not a checkpoint`, { line: line.line }),
      );
    }
    next = { line: line.line, checkpoint: read.data };
  };

  return {
    ledgerId: () => ledgerId,
    /** After an entry was proven. */
    async reached(entry: Entry): Promise<void> {
      if (entry.seq === 1) ledgerId = keyDetailSchema.parse(entry.detail).ledger_id ?? null;
      if (next === undefined) await advance();
      while (next && next.checkpoint.seq <= entry.seq) {
        const flaw = checkpointFlaw(next.checkpoint, { stream, ledgerId, last, entry, keys });
        const { number, seq } = next.checkpoint;
        if (flaw) {
          return give(
            problem('checkpoint_wrong', where, `checkpoint ${number} ${flaw}`, { line: next.line, seq }),
          );
        }
        last = next.checkpoint;
        await advance();
      }
    },
    /** `isWhole`: all entries were proven, so that a checkpoint beyond them means that entries are gone. */
    async end(
      entry: Entry | null,
      isWhole: boolean,
    ): Promise<{ count: number; problems: readonly Problem[] }> {
      if (next === undefined) await advance();
      if (next && isWhole) {
        const { seq } = next.checkpoint;
        const message = `the last entries are gone: a checkpoint is of entry ${seq}, and the last one is ${entry?.seq ?? 0}`;
        problems.push(problem('tail_cut', `${stream}.ndjson`, message, { seq: (entry?.seq ?? 0) + 1 }));
      }
      await lines.return(undefined);
      return { count: last?.number ?? 0, problems };
    },
  };
}

interface Around {
  readonly stream: Stream;
  readonly ledgerId: string | null;
  readonly last: Checkpoint | null;
  readonly entry: Entry;
  readonly keys: KnownKeys;
}

function checkpointFlaw(
  checkpoint: Checkpoint,
  { stream, ledgerId, last, entry, keys }: Around,
): string | null {
  if (checkpoint.stream !== stream || checkpoint.ledger_id !== ledgerId) return 'is of another ledger';
  if (checkpoint.number !== (last?.number ?? 0) + 1)
    return `stands in the place of number ${(last?.number ?? 0) + 1}`;
  if (!isHashRight('ledgerCheckpoint', checkpoint)) return 'was changed: its hash is of something else';
  if (checkpoint.previous_hash !== (last?.hash ?? NOTHING_BEFORE))
    return 'does not follow from the one before it';
  if (checkpoint.seq !== entry.seq) return `is of entry ${checkpoint.seq} again`;
  const inactive = whyNotActive(keys, checkpoint.key_id);
  if (inactive) return inactive.message;
  if (!isSignatureRight('ledgerCheckpoint', checkpoint, keys.get(checkpoint.key_id)!.verifier)) {
    return 'has a signature that is not of its key';
  }
  if (checkpoint.head_hash !== entry.hash) return `was made of another entry ${entry.seq}`;
  return checkpoint.entries === checkpoint.seq ? null : 'counts other entries than there are';
}
