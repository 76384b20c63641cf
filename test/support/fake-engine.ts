import type {
  BackupDetails,
  BackupOutcome,
  DrillOutcome,
  Engine,
  EngineModule,
  ListedSwitch,
  OpenEngineOptions,
  VerifyOutcome,
} from '../../src/cli/engine-door.ts';
import { HoldfastError } from '../../src/engine/base/errors.ts';
import { resolveRetention } from '../../src/engine/operations/retention-rules.ts';

const ID = '0193a000-0000-7000-8000-000000000001';
const AT_MS = Date.parse('2026-11-21T03:00:00Z');

const BACKUP: BackupDetails = {
  id: ID,
  plan: 'nightly',
  tenantId: null,
  type: 'full',
  timestampMs: AT_MS,
  startedAtMs: AT_MS,
  finishedAtMs: AT_MS + 5000,
  sizeBytes: 5_242_880,
  status: 'succeeded',
  held: false,
  encryption: 'aes-256-gcm',
  host: 'web1',
  program: 'holdfast 0.1.0',
  artifacts: [
    {
      name: 'app.sqlite',
      source: 'app',
      kind: 'sqlite',
      form: 'stream',
      sizeBytes: 5_000_000,
      sha256: 'ab'.repeat(32),
      facts: { tables: { users: 1204, sessions: 3 } },
    },
    {
      name: 'uploads',
      source: 'uploads',
      kind: 'tree',
      form: 'tree',
      sizeBytes: 242_880,
      sha256: 'cd'.repeat(32),
      facts: { entries: 2 },
    },
  ],
  problems: [],
};

const ROTATED = { ...BACKUP, complete: true, provenAtMs: null };

const OUTCOME: BackupOutcome = {
  backupId: ID,
  status: 'succeeded',
  bytesRead: 5_242_880,
  bytesStored: 52_429,
  durationMs: 1500,
  artifacts: BACKUP.artifacts,
  problems: [],
};

const VERIFIED: VerifyOutcome = {
  ok: true,
  scope: 'all',
  seed: null,
  checked: {
    objects: 3,
    packs: 1,
    packBytes: 5000,
    chunks: 9,
    backups: 1,
    artifacts: 2,
    hashedBytes: 9000,
  },
  damaged: [],
  replaced: [],
  affected: [],
  rejected: [],
  unlistedPacks: 0,
};

const DRILLED: DrillOutcome = {
  report: {
    ...{ version: 1, kind: 'drill', drillId: ID, program: 'holdfast 0.1.0', host: 'web1', repositoryId: ID },
    ...{ destination: '/srv/repository', plan: 'nightly', tenantId: null, otherBackups: [], result: 'green' },
    backup: { id: ID, type: 'full', startedAt: '2026-11-21T03:00:00.000Z', sizeBytes: 5_242_880 },
    ...{ startedAt: '2026-11-21T04:00:00.000Z', finishedAt: '2026-11-21T04:01:00.000Z' },
    ...{ rtoMs: 42_000, rpoMs: 3_600_000, phases: [{ name: 'load', durationMs: 42_000 }] },
    checks: [
      {
        name: 'content of app.sqlite',
        kind: 'content',
        status: 'green',
        detail: 'every byte equal',
        durationMs: 9,
      },
    ],
    ...{ failure: null, tables: [], moreTables: 0, surroundings: [], limits: [], trend: [] },
  },
  ...{ fingerprint: 'ab'.repeat(32), sha256: 'cd'.repeat(32), copy: null, storedAt: ['/srv/repository'] },
  ...{ documentFile: '/srv/state/drills/a.json', pageFile: '/srv/state/drills/a.html', notStored: [] },
};

const SWITCHED: ListedSwitch = {
  ...{ target: '/srv/app.db', kind: 'file', state: 'switched-back', backupId: ID, safetyBackupId: null },
  ...{
    startedAt: new Date(AT_MS).toISOString(),
    switchedAt: null,
    keptAt: '/srv/app.db.restored',
    isThere: true,
  },
};

/** What was asked of the engine. */
export interface FakeEngine extends EngineModule {
  readonly opened: OpenEngineOptions[];
  readonly calls: { readonly name: string; readonly args: readonly unknown[] }[];
  closed: number;
}

/** An engine that does nothing, answers plausibly and remembers what it was asked. `answers` replaces answers. */
export function fakeEngine(answers: Partial<Engine> = {}, options: { exists?: boolean } = {}): FakeEngine {
  let exists = options.exists ?? true;
  const calls: FakeEngine['calls'][number][] = [];
  const fake: FakeEngine = {
    opened: [],
    calls,
    closed: 0,
    openEngine: async (given) => {
      fake.opened.push(given);
      if (!exists && !given.create) {
        throw new HoldfastError('repository_missing', `there is no repository at ${given.address}`);
      }
      if (exists && given.create === 'always') throw new HoldfastError('repository_exists');
      exists = true;
      return recording({ ...plausible(fake), ...answers }, calls);
    },
    writeAnchor: async (place, anchor) => {
      calls.push({ name: 'writeAnchor', args: [place, anchor] });
    },
    async *readAnchors() {},
    backupToAll: async (request, specs) => {
      calls.push({ name: 'backupToAll', args: [request, specs] });
      const copies = specs.map(({ name, address }, i) => ({
        ...{ destination: name, address, status: i === 0 ? ('stored' as const) : ('copied' as const) },
        ...{ copied: i === 0 ? 0 : 1, storedBytes: 0, missing: 0, failures: [] },
      }));
      return { ...OUTCOME, destination: specs[0]!.name, copies };
    },
    replicateBetween: async (request) => {
      calls.push({ name: 'replicateBetween', args: [request] });
      const destinations = request.to.map(({ name, address }) => ({
        ...{ name, address, copied: [], storedBytes: 0, missing: [], leftOut: [], failures: [] },
        isKnown: true,
      }));
      return { destinations, down: [] };
    },
    verifyAll: async (request) => {
      calls.push({ name: 'verifyAll', args: [request] });
      const specs = [...new Set(request.sets.flatMap((set) => set.specs))];
      return specs.map(({ name, address }) => ({
        ...{ destination: name, address, status: 'good', report: VERIFIED, missing: [] },
        ...{ healed: null, failures: [] },
      }));
    },
    eachDestination: async (specs, _, work) => {
      const engine = recording({ ...plausible(fake), ...answers }, calls);
      const done = [];
      for (const { name: destination, address } of specs) {
        done.push({ destination, address, result: await work(engine, destination), failure: null });
      }
      return done;
    },
    withNearestCopy: async (specs, _, __, work) => {
      const engine = recording({ ...plausible(fake), ...answers }, calls);
      return work({ destination: specs[0]!.name, engine, backupId: ID, passed: [] });
    },
    writeKit: async (request) => {
      calls.push({ name: 'writeKit', args: [request] });
      const { folder, zipFile, withKey } = request;
      return { folder, zipFile, files: ['RECOVERY.md'], key: withKey ? 'plain' : 'none', destinations: [] };
    },
    openBundle: async () => ({
      backupId: ID,
      entries: 2,
      sizeBytes: 1000,
      signature: 'unchecked',
      skipped: [],
      encryption: 'aes-256-gcm',
    }),
    dumpTables: async ({ folder, tables }) => ({
      outDir: folder,
      counts: Object.fromEntries(tables.map((table) => [table, 1])),
    }),
    failedDrill: async () => DRILLED,
    storeAtCopies: async (outcome) => outcome,
    verifyEvidence: () => {
      throw new HoldfastError('evidence_invalid');
    },
    safetySources: async () => [],
    listSwitches: async () => [],
    switchBack: async () => SWITCHED,
    dropKept: async () => SWITCHED,
    SAFETY_PLAN: 'before-restore',
    resolveRetention,
    generateKeyText: () => 'hfk1-GENERATED',
    keyIdOf: () => '3f2a91c04d5e6f70',
    isWeakPassphrase: (text) => (text.length < 12 && !text.startsWith('hfk1-') ? 'it is short' : null),
  };
  return fake;
}

function recording(engine: Engine, calls: { name: string; args: readonly unknown[] }[]): Engine {
  const entries = Object.entries(engine).map(([name, value]) => {
    if (typeof value !== 'function' || name === 'close') return [name, value];
    return [
      name,
      (...args: unknown[]) => {
        calls.push({ name, args });
        return (value as (...all: unknown[]) => unknown)(...args);
      },
    ];
  });
  return Object.fromEntries(entries) as Engine;
}

function plausible(fake: FakeEngine): Engine {
  const backupId = ID;
  return {
    // Only the engine itself looks at it.
    copyPlace: null as unknown as Engine['copyPlace'],
    repositoryId: '0193a000-0000-7000-8000-0000000000ff',
    address: '/srv/repository',
    warnings: [],
    backup: async () => OUTCOME,
    list: async () => [BACKUP],
    show: async () => BACKUP,
    browse: async () => ({
      id: ID,
      path: 'uploads',
      entries: [
        { name: '2026', type: 'folder', mode: 0o755, sizeBytes: 0, modifiedAtMs: AT_MS, linkTarget: null },
        {
          name: 'a.png',
          type: 'file',
          mode: 0o644,
          sizeBytes: 242_880,
          modifiedAtMs: AT_MS,
          linkTarget: null,
        },
        { name: 'now', type: 'symlink', mode: 0o777, sizeBytes: 0, modifiedAtMs: AT_MS, linkTarget: '2026' },
      ],
    }),
    planRestore: async ({ target }) => ({
      backupId,
      steps: [{ item: 'app.sqlite', kind: 'sqlite', target, sizeBytes: 5_000_000, replaces: true }],
    }),
    restoreTenant: async ({ backupId, tenant, decide }) => {
      const plan = { tenant: tenant.id, tables: [], conflicts: [], notes: [] };
      return { backupId, item: 'db.dump', durationMs: 1, plan, applied: decide(plan), sequences: [] };
    },
    restore: async ({ target }) => ({
      backupId,
      durationMs: 1200,
      restored: [{ item: 'app.sqlite', target, sizeBytes: 5_000_000 }],
      warnings: [],
      kept: [],
    }),
    verify: async () => VERIFIED,
    rotate: async () => ({
      removed: 1,
      paused: [],
      decisions: [
        { backup: ROTATED, action: 'keep', reasons: [{ code: 'last_good', text: 'last good backup' }] },
        {
          backup: { ...ROTATED, id: `${ID}x` },
          action: 'remove',
          reasons: [{ code: 'too_old', text: 'older than 30 days' }],
        },
      ],
    }),
    prune: async () => ({
      marked: { packs: 1, bytes: 1000 },
      waiting: { packs: 0, bytes: 0 },
      deleted: { packs: 0, bytes: 0 },
      rewritten: { packs: 0, bytes: 0 },
      revived: { packs: 0, bytes: 0 },
      stored: { packs: 3, bytes: 9000 },
      liveBytes: 5000,
      blockedBy: [],
      missingChunks: 0,
    }),
    placeHold: async () => ({ backupId }),
    releaseHold: async () => ({ backupId }),
    listHolds: async () => [
      { holdId: ID, backupId, reason: 'before the upgrade', createdAt: '2026-11-21T03:00:00.000Z' },
    ],
    archive: async () => ({ backupId }),
    treePage: async () => ({ backupId, entries: [], next: null }),
    extractFile: async () => ({ backupId, name: 'logo.png', sizeBytes: 100 }),
    compareBackups: async () => ({
      counts: { added: 0, removed: 0, changed: 0, attributes: 0, unchanged: 2 },
      ...{ bytesAdded: 0, bytesRemoved: 0, paths: [], next: null },
    }),
    undelete: async () => ({ backupId }),
    ownSlots: async () => [],
    listKeys: async () => [
      {
        slotId: ID,
        keyId: '3f2a91c04d5e6f70',
        label: 'safe',
        kind: 'raw',
        epoch: 1,
        createdAt: '2026-11-21T03:00:00.000Z',
        current: true,
        intact: true,
      },
    ],
    addKey: async () => ({ slotId: ID }),
    retireKey: async () => ({ slotId: ID }),
    rotateKey: async () => ({ epoch: 2 }),
    reencrypt: async () => ({ rewrittenObjects: 4, rewrittenBytes: 4000 }),
    exportBundle: async () => ({ backupId, sizeBytes: 1000 }),
    importBundle: async () => ({ backupId, sizeBytes: 1000 }),
    importDump: async ({ plan }) => ({
      ...{ ...OUTCOME, status: 'imported', plan: plan ?? 'imported', timestampMs: AT_MS, timeFrom: 'file' },
    }),
    ledgerHeads: async () => [],
    planTableRetention: async ({ source, rule }) => ({
      ...{ source: source.name, table: rule.table, limits: [], rows: 100, going: 40 },
    }),
    runTableRetention: async ({ source, rule }) => ({
      ...{ source: source.name, table: rule.table, limits: [], archives: [{ backupId, rows: 40 }] },
      ...{ deleted: 40, changed: 0, resumed: false, durationMs: 1 },
    }),
    listTableArchives: async () => [],
    restoreTableArchive: async ({ table }) => ({
      ...{ table, archives: 1, inserted: 40, present: 0, different: 0, durationMs: 1 },
    }),
    drill: async () => DRILLED,
    listEvidence: async () => [],
    readEvidence: async () => {
      throw new HoldfastError('id_unknown');
    },
    storeEvidence: async () => {},
    doctor: async () => [{ name: 'key', status: 'ok', message: 'opens the repository', next: null }],
    close: async () => {
      fake.closed += 1;
    },
  };
}
