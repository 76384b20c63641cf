/**
 * Proves the ledger from nothing but what the API lists, as docs/ledger.md describes it: hashes, links, signatures, and which key may sign
 * where. It is computed in the browser, so that the server is not asked whether the server is right.
 */
import type { LedgerEntry, LedgerHeads, Stream } from './ledger-types.ts';

const CONTEXT = new TextEncoder().encode('holdfast v1 ledger entry');
const NOTHING_BEFORE = '0'.repeat(64);

export interface LedgerProblem {
  readonly kind: 'changed' | 'chain' | 'missing' | 'signature' | 'key' | 'head' | 'rewritten' | 'replaced';
  readonly stream: Stream;
  /** The entry where it shows. */
  readonly seq: number;
}

/** What somebody saw before, and keeps elsewhere. */
export interface SeenHeads {
  readonly ledgerId: string;
  readonly heads: readonly { readonly stream: Stream; readonly seq: number; readonly hash: string }[];
}

export interface LedgerReader {
  /** Entries before `after`, newest first; of one action and those below it, when one is named. Empty at the beginning of the stream. */
  entries(stream: Stream, after: number, action?: string): Promise<readonly LedgerEntry[]>;
  readonly onProgress: (done: number) => void;
}

/** The first thing that is wrong, looking from the end; null when all is proven. Rejects when the entries cannot be had. */
export async function proveLedger(
  { ledger_id, heads }: LedgerHeads,
  seen: SeenHeads | null,
  reader: LedgerReader,
): Promise<LedgerProblem | null> {
  const [first] = heads;
  if (seen && first && seen.ledgerId !== ledger_id) return { kind: 'replaced', stream: first.stream, seq: 1 };
  let done = 0;
  for (const head of heads) {
    const kept = seen?.heads.find(({ stream }) => stream === head.stream) ?? null;
    const onProgress = (count: number) => reader.onProgress(done + count);
    const problem = await proveStream(head, kept, { ...reader, onProgress });
    if (problem) return problem;
    done += head.seq;
  }
  return null;
}

type Head = LedgerHeads['heads'][number];

/** Walks from the end to the beginning. Memory does not depend on the length. */
async function proveStream(
  head: Head,
  kept: { readonly seq: number; readonly hash: string } | null,
  reader: LedgerReader,
): Promise<LedgerProblem | null> {
  const { stream } = head;
  const wrong = (kind: LedgerProblem['kind'], seq: number) => ({ kind, stream, seq });
  if (kept && kept.seq > head.seq) return wrong('rewritten', kept.seq);
  const keys = await readKeys(stream, head.seq, reader);
  let expected = { seq: head.seq, hash: head.hash };
  while (expected.seq > 0) {
    const page = await reader.entries(stream, expected.seq + 1);
    if (page.length === 0) return wrong('missing', expected.seq);
    const proofs = await Promise.all(page.map((entry) => proofOf(entry, keys)));
    for (const [i, entry] of page.entries()) {
      if (entry.stream !== stream || entry.seq !== expected.seq) return wrong('missing', expected.seq);
      const isEnd = entry.seq === head.seq;
      if (entry.hash !== expected.hash)
        return wrong(isEnd ? 'head' : 'chain', isEnd ? entry.seq : entry.seq + 1);
      if (kept && kept.seq === entry.seq && kept.hash !== entry.hash) return wrong('rewritten', entry.seq);
      if (proofs[i] !== null) return wrong(proofs[i]!, entry.seq);
      if (isAboutKeys(entry) && !keys.hashes.delete(entry.hash)) return wrong('key', entry.seq);
      expected = { seq: entry.seq - 1, hash: entry.previous_hash };
    }
    reader.onProgress(head.seq - expected.seq);
  }
  if (expected.hash !== NOTHING_BEFORE) return wrong('chain', 1);
  // What introduced a key must have been in the chain.
  return keys.hashes.size > 0 ? wrong('key', 1) : null;
}

export interface KeyEra {
  readonly keyId: string;
  readonly publicKey: string;
  readonly host: string;
  /** The entry that introduced it, which the first key signs itself. */
  readonly addedSeq: number;
  readonly addedAt: string;
  readonly retiredSeq: number | null;
  readonly retiredAt: string | null;
}

const isAboutKeys = ({ action }: LedgerEntry) => /^ledger\.(begin|key_added|key_retired)$/.test(action);

/** The keys that entries introduce and retire, in order. */
export function erasOf(entries: readonly LedgerEntry[]): KeyEra[] {
  const eras = new Map<string, KeyEra>();
  for (const entry of entries.filter(isAboutKeys).sort((a, b) => a.seq - b.seq)) {
    const { seq, at, action, object_id } = entry;
    if (action === 'ledger.key_retired') {
      const era = eras.get(object_id ?? '');
      if (era) eras.set(era.keyId, { ...era, retiredSeq: seq, retiredAt: at });
      continue;
    }
    const { key_id: keyId, public_key: publicKey, host } = entry.detail as Record<string, string>;
    const added = { addedSeq: seq, addedAt: at, retiredSeq: null, retiredAt: null };
    if (keyId && publicKey) eras.set(keyId, { keyId, publicKey, host: host ?? '', ...added });
  }
  return [...eras.values()];
}

/** Every entry about keys, oldest last. */
export async function keyEntries(
  stream: Stream,
  end: number,
  reader: Pick<LedgerReader, 'entries'>,
): Promise<LedgerEntry[]> {
  const found: LedgerEntry[] = [];
  for (let after = end + 1; after > 1; after = found.at(-1)!.seq) {
    const page = await reader.entries(stream, after, 'ledger');
    if (page.length === 0) break;
    found.push(...page);
  }
  return found.filter(isAboutKeys);
}

type PublicKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

interface Keys {
  readonly eras: ReadonlyMap<string, KeyEra & { readonly key: PublicKey }>;
  /** Of entries that introduced or retired a key and were not met in the chain yet. */
  readonly hashes: Set<string>;
}

async function readKeys(stream: Stream, end: number, reader: LedgerReader): Promise<Keys> {
  const entries = await keyEntries(stream, end, reader);
  const eras = new Map<string, KeyEra & { key: PublicKey }>();
  for (const era of erasOf(entries)) {
    const raw = bytesOf(era.publicKey);
    // A key is named by its hash: under another name it stands for nothing.
    if (hex(await digest(raw)) !== era.keyId) continue;
    const key = await crypto.subtle.importKey('raw', raw, 'Ed25519', false, ['verify']).catch(() => null);
    if (key) eras.set(era.keyId, { ...era, key });
  }
  return { eras, hashes: new Set(entries.map(({ hash }) => hash)) };
}

/** What is wrong with an entry by itself; null for nothing. */
async function proofOf(entry: LedgerEntry, { eras }: Keys): Promise<'changed' | 'key' | 'signature' | null> {
  const { hash, signature, ...body } = entry;
  const hashed = await digest(joined(CONTEXT, new TextEncoder().encode(canonicalJson(body))));
  if (hex(hashed) !== hash) return 'changed';
  const era = eras.get(entry.key_id);
  if (!era || !isActive(era, entry)) return 'key';
  const isRight = await crypto.subtle.verify('Ed25519', era.key, bytesOf(signature), joined(CONTEXT, hashed));
  return isRight ? null : 'signature';
}

/** From the entry behind the one that added it to the one before that retires it; the first entry is signed by the key it introduces. */
function isActive({ addedSeq, retiredSeq }: KeyEra, { seq, action }: LedgerEntry): boolean {
  const hasBegun = seq > addedSeq || (seq === addedSeq && action === 'ledger.begin');
  return hasBegun && (retiredSeq === null || seq < retiredSeq);
}

/** RFC 8785: members by UTF-16 code units, numbers as ECMAScript writes them. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = value as Readonly<Record<string, unknown>>;
  const parts = Object.keys(members)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${canonicalJson(members[name])}`);
  return `{${parts.join(',')}}`;
}

const digest = async (bytes: Uint8Array<ArrayBuffer>) =>
  new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));

const hex = (bytes: Uint8Array) => [...bytes].map((one) => one.toString(16).padStart(2, '0')).join('');

/** Of base64url. Bytes of nothing for what is none. */
function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (one) => one.charCodeAt(0));
  } catch {
    return new Uint8Array();
  }
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
