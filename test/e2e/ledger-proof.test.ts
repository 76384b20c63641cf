import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Entry, prove } from '../../src/server/ledger/proof/statements.ts';
import type { LedgerEntry, LedgerHeads, Stream } from '../../web/src/ledger/ledger-types.ts';
import { erasOf, type LedgerProblem, proveLedger, type SeenHeads } from '../../web/src/ledger/prove.ts';
import { type LedgerWorld, ledgerWorld } from '../support/ledger-world.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** More than one page of the API. */
const ENTRIES = 430;
const PAGE = 200;

type Streams = Readonly<Record<Stream, readonly Entry[]>>;

const headsOf = (ledgerId: string, streams: Streams): LedgerHeads => ({
  ledger_id: ledgerId,
  heads: Object.values(streams).map((entries) => {
    const { stream, seq, hash } = entries.at(-1)!;
    return { stream, seq, hash };
  }),
});

/** Proves what an API would list that has these entries. */
function proving(streams: Streams, heads: LedgerHeads, seen: SeenHeads | null = null) {
  const told: number[] = [];
  const result = proveLedger(heads, seen, {
    onProgress: (done) => told.push(done),
    entries: async (stream, after, action) =>
      (streams[stream as 'audit_vault'] as readonly unknown[] as readonly LedgerEntry[])
        .filter((entry) => entry.seq < after)
        .filter((entry) => action === undefined || entry.action.startsWith(`${action}.`))
        .toReversed()
        .slice(0, PAGE),
  });
  return result.then((problem) => ({ problem, told }));
}

const streamsOf = ({ lines }: LedgerWorld): Streams => ({
  audit_vault: lines.audit_vault,
  org_admin_reads: lines.org_admin_reads,
});

/** The ledger with one entry of `audit_vault` replaced; null removes it. */
function changed(streams: Streams, seq: number, change: (entry: Entry) => Entry | null): Streams {
  const audit_vault = streams.audit_vault.flatMap((entry) =>
    entry.seq === seq ? (change(entry) ?? []) : [entry],
  );
  return { ...streams, audit_vault };
}

test('the browser proves a ledger, keys of both eras, and finds each way of falsifying it', async (t) => {
  const world = await ledgerWorld(await temporaryFolder(t), ENTRIES);
  const streams = streamsOf(world);
  const heads = headsOf(world.ledgerId, streams);
  const good = await proving(streams, heads);
  assert.equal(good.problem, null);
  assert.equal(good.told.at(-1), ENTRIES + streams.org_admin_reads.length, 'every entry was looked at');

  const eras = erasOf(streams.audit_vault as readonly unknown[] as readonly LedgerEntry[]);
  assert.deepEqual(
    eras.map(({ publicKey, retiredSeq }) => [publicKey, retiredSeq !== null]),
    world.keys.map(({ publicKey }, i) => [publicKey.toString('base64url'), i === 0]),
  );

  const [first, second] = world.keys;
  const at = (seq: number) => streams.audit_vault[seq - 1]!;
  const found = async (falsified: Streams, seq: number, kind: LedgerProblem['kind'], its = heads) => {
    const { problem } = await proving(falsified, its);
    assert.deepEqual(problem, { kind, stream: 'audit_vault', seq });
  };
  await found(
    changed(streams, 100, (entry) => ({ ...entry, outcome: 'failed' })),
    100,
    'changed',
  );
  await found(
    changed(streams, 100, (entry) => ({ ...entry, signature: at(101).signature })),
    100,
    'signature',
  );
  // Whoever has the key writes an entry anew: the one behind it does not fit.
  const rewrite = ({ hash: _, signature: __, ...body }: Entry, key: typeof first) =>
    prove('ledgerEntry', { ...body, outcome: 'failed' }, key) as Entry;
  await found(
    changed(streams, 100, (entry) => rewrite(entry, first)),
    101,
    'chain',
  );
  await found(
    changed(streams, 100, () => null),
    100,
    'missing',
  );
  await found(
    changed(streams, ENTRIES, () => null),
    ENTRIES,
    'missing',
  );
  // The last entry, signed by a key that was retired long ago; and the head that goes with it.
  const { hash: _, signature: __, ...last } = at(ENTRIES);
  const old = { ...last, key_id: first.fingerprint.toString('hex') };
  const withOldKey = changed(streams, ENTRIES, () => prove('ledgerEntry', old, first) as Entry);
  await found(withOldKey, ENTRIES, 'key', headsOf(world.ledgerId, withOldKey));
  const other = changed(streams, ENTRIES, (entry) => rewrite(entry, second));
  await found(other, ENTRIES, 'head');
});

test('what the browser saw before shows a ledger that was cut, written anew, or replaced', async (t) => {
  const world = await ledgerWorld(await temporaryFolder(t), 40);
  const streams = streamsOf(world);
  const seen = { ledgerId: world.ledgerId, heads: headsOf(world.ledgerId, streams).heads };
  assert.equal((await proving(streams, headsOf(world.ledgerId, streams), seen)).problem, null);
  const cut: Streams = { ...streams, audit_vault: streams.audit_vault.slice(0, -1) };
  const after = await proving(cut, headsOf(world.ledgerId, cut), seen);
  assert.deepEqual(after.problem, { kind: 'rewritten', stream: 'audit_vault', seq: 40 });
  assert.equal((await proving(cut, headsOf(world.ledgerId, cut))).problem, null, 'unseen, it is a whole one');

  const { hash: _, signature: __, ...body } = streams.audit_vault.at(-1)!;
  const end = prove('ledgerEntry', { ...body, outcome: 'failed' }, world.keys[1]) as Entry;
  const anew: Streams = { ...streams, audit_vault: [...streams.audit_vault.slice(0, -1), end] };
  const rewritten = await proving(anew, headsOf(world.ledgerId, anew), seen);
  assert.deepEqual(rewritten.problem, { kind: 'rewritten', stream: 'audit_vault', seq: 40 });

  const stranger = headsOf('00000000-0000-4000-8000-000000000000', streams);
  assert.equal((await proving(streams, stranger, seen)).problem?.kind, 'replaced');
});
