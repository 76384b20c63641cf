/** Reliability test 41: whatever is changed in a ledger of 1,000 entries is found, and the first bad entry named. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { SigningKey } from '../../src/engine/index.ts';
import { canonicalJson, type JsonValue } from '../../src/server/ledger/proof/canonical-json.ts';
import type { LedgerReport, ProblemCode } from '../../src/server/ledger/proof/report.ts';
import { type Entry, prove } from '../../src/server/ledger/proof/statements.ts';
import type { KeptStatement } from '../../src/server/ledger/proof/verify-anchors.ts';
import { verifyLedgerDump } from '../../src/server/ledger/proof/verify-dump.ts';
import { count } from '../support/counts.ts';
import {
  type DumpLines,
  joinedAnew,
  type LedgerWorld,
  ledgerWorld,
  STRANGER,
  writeDump,
} from '../support/ledger-world.ts';
import { seededRandom } from '../support/seed.ts';

const ENTRIES = 1000;
const ROUNDS = count(6, 250);

let world: LedgerWorld;
let folder: string;

async function verify(
  lines: DumpLines,
  kept: readonly KeptStatement[] | null = null,
  pinned: readonly string[] = [],
): Promise<LedgerReport> {
  const dump = await writeDump(join(folder, 'dump'), lines);
  try {
    return await verifyLedgerDump({ folder: dump, kept, pinned });
  } finally {
    await rm(dump, { recursive: true });
  }
}

const vault = (entries: readonly Entry[]): DumpLines => ({ ...world.lines, audit_vault: entries });
const keyIdOf = (key: SigningKey) => key.fingerprint.toString('hex');

/** Indexes into the entries, with one before and one behind, from every part of the ledger. */
function positions(name: string): number[] {
  const random = seededRandom(name);
  const step = (ENTRIES - 2) / ROUNDS;
  return Array.from({ length: ROUNDS }, (_, i) => 1 + Math.floor((i + random.next()) * step));
}

const changed = (entry: Entry, i: number): Entry => {
  const changes: Partial<Entry>[] = [
    { outcome: 'failed' },
    { actor_name: 'somebody else' },
    { tenant_id: 'other' },
    { at: '2020-01-01T00:00:00.000Z' },
    { detail: { ...(entry.detail as object), n: -1 } },
  ];
  return { ...entry, ...changes[i % changes.length] };
};

interface Tampering {
  readonly name: string;
  readonly codes: readonly ProblemCode[];
  /** Makes it from the entries, at an index. */
  readonly make: (entries: readonly Entry[], at: number) => readonly Entry[];
  /** The entry that must be named, counted from 1; default the one at the index. */
  readonly named?: (at: number) => number;
  /** What a verifier without signatures, or without a chain, thinks of it. */
  readonly missedBy?: 'no signatures' | 'no chain';
}

/** What somebody can do who writes the catalog and has no private key. */
const TAMPERINGS: readonly Tampering[] = [
  {
    name: 'edit',
    codes: ['entry_changed'],
    make: (entries, at) => entries.with(at, changed(entries[at]!, at)),
  },
  {
    name: 'edit, everything behind hashed anew',
    codes: ['signature_wrong'],
    make: (entries, at) => joinedAnew(entries.with(at, changed(entries[at]!, at)), at, null),
    missedBy: 'no signatures',
  },
  {
    name: 'edit, everything behind signed with a key of one’s own',
    codes: ['key_unknown'],
    make: (entries, at) =>
      joinedAnew(entries.with(at, changed(entries[at]!, at)), at, STRANGER, keyIdOf(STRANGER)),
    missedBy: 'no signatures',
  },
  {
    name: 'edit, signed with a key of one’s own in the name of the right one',
    codes: ['signature_wrong'],
    make: (entries, at) => joinedAnew(entries.with(at, changed(entries[at]!, at)), at, STRANGER),
    missedBy: 'no signatures',
  },
  { name: 'delete', codes: ['entry_missing'], make: (entries, at) => entries.toSpliced(at, 1) },
  {
    name: 'delete, everything behind numbered and hashed anew',
    codes: ['signature_wrong', 'key_unknown'],
    make: (entries, at) => joinedAnew(entries.toSpliced(at, 1), at, null),
    missedBy: 'no signatures',
  },
  {
    name: 'reorder',
    codes: ['entry_missing'],
    make: (entries, at) => entries.with(at, entries[at + 1]!).with(at + 1, entries[at]!),
  },
  {
    name: 'reorder, numbered and hashed anew',
    codes: ['signature_wrong', 'key_unknown'],
    make: (entries, at) =>
      joinedAnew(entries.with(at, entries[at + 1]!).with(at + 1, entries[at]!), at, null),
    missedBy: 'no signatures',
  },
  {
    name: 'repeat',
    codes: ['entry_repeated'],
    make: (entries, at) => entries.toSpliced(at, 0, entries[at]!),
    named: (at) => at + 1,
  },
  {
    name: 'fork: a second entry of the number, signed with the right key',
    codes: ['fork'],
    make: (entries, at) => entries.toSpliced(at + 1, 0, otherBy(ownerOf(entries[at]!), entries[at]!)),
    missedBy: 'no chain',
  },
  {
    name: 'fork: another entry of the number in its place, signed with the right key',
    codes: ['chain_broken'],
    make: (entries, at) => entries.with(at, otherBy(ownerOf(entries[at]!), entries[at]!)),
    named: (at) => at + 2,
    missedBy: 'no chain',
  },
];

const ownerOf = (entry: Entry) => world.keys.find((key) => keyIdOf(key) === entry.key_id)!;

function otherBy(key: SigningKey, { hash: _, signature: __, ...body }: Entry): Entry {
  return prove('ledgerEntry', { ...body, outcome: 'refused' }, key);
}

/** A verifier that was broken on purpose. True when it thinks that all is well. */
function brokenVerifierAccepts(kind: 'no signatures' | 'no chain', entries: readonly Entry[]): boolean {
  return entries.every(({ hash, signature: _, ...body }, i) => {
    const json = canonicalJson(body as unknown as JsonValue);
    const own = createHash('sha256').update('holdfast v1 ledger entry').update(json).digest('hex');
    if (own !== hash) return false;
    return kind === 'no chain' || i === 0 || body.previous_hash === entries[i - 1]!.hash;
  });
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-test-'));
  world = await ledgerWorld(await mkdtemp(join(folder, 'world-')), ENTRIES);
});
after(() => rm(folder, { recursive: true }));

test('proves itself untouched, with what was kept elsewhere and with both keys pinned', async () => {
  assert.equal(world.lines.audit_vault.length, ENTRIES);
  const report = await verify(world.lines, [world.anchor, world.manifest], world.keys.map(keyIdOf));
  assert.deepEqual(report.problems, []);
  assert.equal(report.ok, true);
  assert.deepEqual(report.warnings, []);
  assert.deepEqual(report.anchors, { agreeing: 2, upTo: { audit_vault: 1000, org_admin_reads: 8 } });
  assert.deepEqual(
    report.keys.map(({ keyId, status }) => [keyId, status]),
    [
      [keyIdOf(world.keys[0]), 'retired'],
      [keyIdOf(world.keys[1]), 'active'],
    ],
  );
});

for (const { name, codes, make, named, missedBy } of TAMPERINGS) {
  test(`${name}: found wherever it is`, async () => {
    const entries = world.lines.audit_vault;
    for (const at of positions(name)) {
      const tampered = make(entries, at);
      const [problem] = (await verify(vault(tampered))).problems;
      assert.ok(problem && codes.includes(problem.code), `at ${at}: ${JSON.stringify(problem)}`);
      assert.equal(problem.seq, named ? named(at) : at + 1, `at ${at}: ${problem.message}`);
    }
    if (missedBy) assert.ok(brokenVerifierAccepts(missedBy, make(entries, 700)), 'the control is no control');
  });
}

test('a cut end: found by the checkpoints that are left, else by an anchor or a manifest', async () => {
  for (const length of positions('cut')) {
    const cut = vault(world.lines.audit_vault.slice(0, length));
    const [byCheckpoint] = (await verify(cut)).problems;
    assert.deepEqual([byCheckpoint?.code, byCheckpoint?.seq], ['tail_cut', length + 1]);
    const whole = cutWithCheckpoints(length);
    for (const kept of [world.anchor, world.manifest]) {
      const { problems } = await verify(whole, [kept]);
      const found = problems.find(({ code }) => code === 'tail_cut');
      assert.equal(found?.seq, length + 1, `${length} with ${kept.where}: ${JSON.stringify(problems)}`);
    }
  }
  // Control: without anything kept elsewhere, a clean cut behind the rotation does not show; so nothing else finds it above.
  assert.deepEqual((await verify(cutWithCheckpoints(700))).problems, []);
});

test('a ledger written anew by somebody who has the key: found by what was kept elsewhere', async () => {
  const at = 800;
  const entries = world.lines.audit_vault;
  const anew = joinedAnew(entries.with(at, changed(entries[at]!, 0)), at, world.keys[1]);
  const lines = {
    ...vault(anew),
    vault_checkpoints: world.lines.vault_checkpoints.filter(({ seq }) => seq <= at),
  };
  assert.deepEqual((await verify(lines)).problems, [], 'control: the forgery is perfect');
  for (const kept of [world.anchor, world.manifest]) {
    assert.deepEqual(
      (await verify(lines, [kept])).problems.map(({ code }) => code),
      ['rewritten'],
    );
  }
});

test('a retired key signs nothing any more, also when somebody kept it', async () => {
  const at = 900;
  const [old] = world.keys;
  const anew = joinedAnew(world.lines.audit_vault, at, old, keyIdOf(old));
  const [problem] = (await verify(vault(anew))).problems;
  assert.deepEqual([problem?.code, problem?.seq], ['key_retired', at + 1]);
});

test('checkpoints: one changed, one missing, two swapped, one of a stranger', async () => {
  const own = world.lines.vault_checkpoints;
  assert.ok(own.length > 8);
  const { hash: _, signature: __, ...body } = own[3]!;
  const wrong = [
    own.with(3, { ...own[3]!, head_hash: own[2]!.head_hash }),
    own.with(3, { ...own[3]!, entries: 5 }),
    own.with(3, prove('ledgerCheckpoint', body, STRANGER)),
    own.toSpliced(3, 1),
    own.with(3, own[4]!).with(4, own[3]!),
    own.toSpliced(3, 0, own[3]!),
    own.with(3, world.lines.org_admin_reads_checkpoints[0]!),
  ];
  for (const vault_checkpoints of wrong) {
    const { problems } = await verify({ ...world.lines, vault_checkpoints });
    assert.deepEqual(
      problems.map(({ code }) => code),
      ['checkpoint_wrong'],
    );
  }
});

test('the list of keys says what the entries say', async () => {
  const own = world.lines.vault_signing_keys;
  const wrong = [
    own.slice(1),
    [...own, own[0]!],
    own.with(0, { ...own[0]!, status: 'active', retired_at: null, retired_seq: null }),
    own.with(1, { ...own[1]!, public_key: own[0]!.public_key }),
    [...own, { ...own[1]!, key_id: keyIdOf(STRANGER), public_key: STRANGER.publicKey.toString('base64url') }],
  ];
  for (const vault_signing_keys of wrong) {
    const { problems } = await verify({ ...world.lines, vault_signing_keys });
    assert.deepEqual(
      problems.map(({ code }) => code),
      ['keys_wrong'],
    );
  }
});

test('another ledger in its place: found by pins, by what was kept, and by the other stream', async () => {
  const other = await ledgerWorld(await mkdtemp(join(folder, 'other-')), 20);
  assert.deepEqual((await verify(other.lines)).problems, []);
  const codes = async (...args: Parameters<typeof verify>) =>
    (await verify(...args)).problems.map(({ code }) => code);
  assert.deepEqual(await codes(other.lines, [world.anchor]), ['anchor_missing']);
  assert.deepEqual(await codes(other.lines, null, [keyIdOf(world.keys[1])]), ['key_not_pinned']);
  const mixed = {
    ...world.lines,
    org_admin_reads: other.lines.org_admin_reads,
    org_admin_reads_checkpoints: other.lines.org_admin_reads_checkpoints,
  };
  assert.deepEqual(await codes(mixed), ['streams_disagree']);
});

test('an anchor of a stranger, or a changed one, is said to be none', async () => {
  assert.ok('bytes' in world.anchor);
  const own = JSON.parse(Buffer.from(world.anchor.bytes).toString()) as Parameters<typeof prove>[1] & {
    hash: string;
    signature: string;
  };
  const { hash: _, signature: __, ...body } = own;
  const stranger = prove('ledgerAnchor', { ...body, key_id: keyIdOf(STRANGER) }, STRANGER);
  for (const wrong of [stranger, { ...own, at: '2020-01-01T00:00:00.000Z' }, { some: 'thing' }]) {
    const bytes = Buffer.from(canonicalJson(wrong as unknown as JsonValue));
    const { problems } = await verify(world.lines, [world.manifest, { where: 'there', bytes }]);
    assert.deepEqual(
      problems.map(({ code }) => code),
      ['anchor_unproven'],
    );
  }
});

function cutWithCheckpoints(length: number): DumpLines {
  const lines = vault(world.lines.audit_vault.slice(0, length));
  return { ...lines, vault_checkpoints: lines.vault_checkpoints.filter(({ seq }) => seq <= length) };
}
