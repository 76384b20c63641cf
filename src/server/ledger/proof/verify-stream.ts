import { join } from 'node:path';
import { type KnownKeys, takeKeys, whyNotActive } from './ledger-keys.ts';
import { readLines } from './lines.ts';
import { type Problem, problem, type StreamReport } from './report.ts';
import { entrySchema, keyDetailSchema } from './schemas.ts';
import {
  CHECKPOINT_TABLES,
  type Entry,
  isHashRight,
  isSignatureRight,
  NOTHING_BEFORE,
  type Stream,
} from './statements.ts';
import { checkpointWalk } from './verify-checkpoints.ts';

/** A head that somebody else kept. */
export interface KeptHead {
  readonly seq: number;
  readonly hash: string;
}

export interface ProvenStream {
  readonly report: StreamReport;
  readonly ledgerId: string | null;
  readonly keys: KnownKeys;
  /** Of each kept head that was looked for: the hash at its place; undefined when the stream ends before. */
  readonly hashes: ReadonlyMap<number, string>;
  readonly problems: readonly Problem[];
}

/**
 * Proves a stream from its first entry on and stops at the first that is wrong: what follows hangs on nothing. Memory does not
 * depend on its length. `kept` are the places that heads kept elsewhere speak of.
 */
export async function verifyStream(
  folder: string,
  stream: Stream,
  kept: readonly KeptHead[],
): Promise<ProvenStream> {
  const where = `${stream}.ndjson`;
  const wanted = new Set(kept.map(({ seq }) => seq));
  const hashes = new Map<number, string>([[0, NOTHING_BEFORE]]);
  const keys: KnownKeys = new Map();
  const problems: Problem[] = [];
  let last: Entry | null = null;
  const checkpoints = checkpointWalk(join(folder, `${CHECKPOINT_TABLES[stream]}.ndjson`), stream, keys);
  for await (const line of readLines(join(folder, where))) {
    const flaw = 'flaw' in line ? lineProblem(where, line, last) : null;
    const entry = 'value' in line ? entrySchema.safeParse(line.value) : null;
    const found =
      flaw ??
      (entry?.success
        ? entryProblem(where, line.line, stream, entry.data as Entry, last, keys)
        : problem('line_malformed', where, `line ${line.line} is not an entry`, {
            line: line.line,
            seq: (last?.seq ?? 0) + 1,
          }));
    if (found) {
      problems.push(found);
      break;
    }
    last = entry!.data as Entry;
    keys.get(last.key_id)!.signed += 1;
    if (wanted.has(last.seq)) hashes.set(last.seq, last.hash);
    await checkpoints.reached(last);
  }
  if (last === null && problems.length === 0)
    problems.push(problem('empty', where, 'there is not one entry'));
  const walked = await checkpoints.end(last, problems.length === 0);
  return {
    report: {
      stream,
      entries: last?.seq ?? 0,
      head: last && { stream, seq: last.seq, hash: last.hash, at: last.at },
      checkpoints: walked.count,
    },
    ledgerId: ledgerIdIn(keys, checkpoints.ledgerId()),
    keys,
    hashes,
    problems: [...problems, ...walked.problems],
  };
}

const ledgerIdIn = (keys: KnownKeys, id: string | null) => (keys.size > 0 ? id : null);

function lineProblem(
  where: string,
  { line, flaw }: { line: number; flaw: string },
  last: Entry | null,
): Problem {
  if (line === 0) return problem('file_missing', where, `${where} ${flaw}`);
  const behind = last ? `, after entry ${last.seq}` : '';
  return problem('line_malformed', where, `line ${line}${behind} ${flaw}`, {
    line,
    seq: last ? last.seq + 1 : 1,
  });
}

/** The first thing that is wrong with an entry; null when it is proven. Takes in the keys it introduces. */
function entryProblem(
  where: string,
  line: number,
  stream: Stream,
  entry: Entry,
  last: Entry | null,
  keys: KnownKeys,
): Problem | null {
  const { seq } = entry;
  const wrong = (code: Problem['code'], message: string) =>
    problem(code, where, `entry ${seq} ${message}`, { line, seq });
  const expected = (last?.seq ?? 0) + 1;
  if (entry.stream !== stream) return wrong('chain_broken', `is of the stream ${entry.stream}`);
  if (last && seq === last.seq) {
    return entry.hash === last.hash
      ? wrong('entry_repeated', 'is there twice')
      : wrong('fork', 'is there twice, and the two differ');
  }
  if (seq < expected) return wrong('entry_repeated', `comes again after entry ${last!.seq}`);
  if (seq > expected) {
    return problem('entry_missing', where, `entry ${expected} is missing: entry ${seq} stands in its place`, {
      line,
      seq: expected,
    });
  }
  if (!isHashRight('ledgerEntry', entry))
    return wrong('entry_changed', 'was changed: its hash is of something else');
  if (entry.previous_hash !== (last?.hash ?? NOTHING_BEFORE)) {
    return wrong('chain_broken', 'does not follow from the entry before it');
  }
  if (seq === 1) {
    const flaw =
      takeKeys(keys, entry) ??
      (keyDetailSchema.parse(entry.detail).ledger_id ? null : 'does not name its ledger');
    if (flaw) return wrong('keys_wrong', flaw);
  }
  const inactive = whyNotActive(keys, entry.key_id);
  if (inactive) return wrong(inactive.code, inactive.message);
  if (!isSignatureRight('ledgerEntry', entry, keys.get(entry.key_id)!.verifier)) {
    return wrong('signature_wrong', 'has a signature that is not of its key');
  }
  const flaw = seq === 1 ? null : takeKeys(keys, entry);
  return flaw === null ? null : wrong('keys_wrong', flaw);
}
