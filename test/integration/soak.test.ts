/**
 * Reliability 44: operations in any order, some of them killed, against a model of what must be there. HOLDFAST_SOAK_MINUTES=360 goes
 * on for six hours; from 300 steps on memory is looked at as well.
 */
import assert from 'node:assert/strict';
import { mkdir, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { DAY_MS, HOUR_MS } from '../../src/engine/base/clock.ts';
import { codeOf } from '../../src/engine/base/errors.ts';
import { silentProgress } from '../../src/engine/base/progress.ts';
import type { Credential } from '../../src/engine/crypto/key-text.ts';
import { type BackupRequest, backup } from '../../src/engine/operations/backup.ts';
import type { OperationContext } from '../../src/engine/operations/context.ts';
import { reencrypt, rotateKey } from '../../src/engine/operations/keys.ts';
import { listBackups } from '../../src/engine/operations/list.ts';
import { prune } from '../../src/engine/operations/maintenance.ts';
import { restore } from '../../src/engine/operations/restore.ts';
import {
  ARCHIVE_MS,
  archive,
  placeHold,
  releaseHold,
  rotate,
  undelete,
} from '../../src/engine/operations/rotate.ts';
import { openRepository } from '../../src/engine/repository/repository.ts';
import { verifyRepository } from '../../src/engine/repository/verify.ts';
import type { Storage } from '../../src/engine/storage/port.ts';
import { count } from '../support/counts.ts';
import { describeTree } from '../support/describe-tree.ts';
import { killingStorage } from '../support/killing-storage.ts';
import { openResources, releasedResources } from '../support/open-resources.ts';
import { namesOf, rawCredential, repositoryWorld } from '../support/repository-world.ts';
import { randomFrom, type SeededRandom, seededRandom } from '../support/seed.ts';
import { collectGarbage } from '../support/small-heap.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** A backup as it must come back. */
interface Known {
  readonly tree: readonly unknown[];
  isArchived: boolean;
  archivedAtMs: number;
  isHeld: boolean;
}

interface Soak {
  /** Does something at random and compares what is there with the model. */
  step(): Promise<void>;
  readonly storage: Storage;
  /** What each kind of step was done, and how often. */
  readonly done: Readonly<Record<string, number>>;
}

/** Times are whole seconds: Node sets no others exactly. */
async function editOne(folder: string, edits: number, random: SeededRandom): Promise<void> {
  const path = join(folder, `file-${random.int(12)}`);
  await rm(path, { force: true });
  if (random.int(5) === 0) return;
  await writeFile(path, random.bytes(random.int(40_000)));
  await utimes(path, 1_700_000_000 + edits, 1_700_000_000 + edits);
}

type Steps = Record<string, (context: OperationContext) => Promise<void>>;
type Pick = (fits: (one: Known) => boolean) => string | null;

const holdSteps = (pick: Pick, known: ReadonlyMap<string, Known>): Steps => ({
  async hold(context) {
    const id = pick(({ isHeld }) => !isHeld);
    if (id === null) return;
    await placeHold(context, id, 'soak');
    known.get(id)!.isHeld = true;
  },
  async release(context) {
    const id = pick(({ isHeld }) => isHeld);
    if (id === null) return;
    await releaseHold(context, id);
    known.get(id)!.isHeld = false;
  },
});

async function startSoak(t: TestContext, random: SeededRandom): Promise<Soak> {
  const folder = await temporaryFolder(t);
  const files = join(folder, 'files');
  await mkdir(files);
  const { storage, clock, credential, signingKey } = await repositoryWorld();
  let credentials: readonly Credential[] = [credential];
  const known = new Map<string, Known>();
  const done: Record<string, number> = {};
  let edits = 0;

  const contextOn = async (place: Storage): Promise<OperationContext> => ({
    repository: await openRepository({ storage: place, credentials, clock, signingKey }),
    ...{ progress: silentProgress, signal: new AbortController().signal, clock, workers: 1 },
    scratchRoot: join(folder, 'scratch'),
  });
  const request: BackupRequest = {
    sources: [{ kind: 'files', name: 'files', paths: [files], exclude: [], optional: false }],
    ...{ plan: 'nightly', tenantId: null, type: 'full' as const },
  };
  const edit = async () => {
    edits += 1;
    await editOne(files, edits, random);
  };
  const pick = (fits: (one: Known) => boolean) => {
    const ids = [...known].filter(([, one]) => fits(one)).map(([id]) => id);
    return ids.length === 0 ? null : random.pick(ids);
  };

  const steps: Steps = {
    async backup(context) {
      await edit();
      const tree = describeTree(files);
      const { backupId, status } = await backup(context, request);
      assert.equal(status, 'succeeded');
      known.set(backupId, { tree, isArchived: false, archivedAtMs: 0, isHeld: false });
    },
    async killed() {
      await edit();
      const dying = killingStorage(storage, random.int(6), random.pick(['before', 'after']));
      const tree = describeTree(files);
      await contextOn(dying)
        .then((context) => backup(context, request))
        .catch(() => null);
      // What it committed before it died counts, too: nobody was told, and it is whole.
      const context = await contextOn(storage);
      for (const { id } of await listBackups(context, { plan: null, tenantId: null, archived: false })) {
        if (!known.has(id)) known.set(id, { tree, isArchived: false, archivedAtMs: 0, isHeld: false });
      }
    },
    async archive(context) {
      const id = pick(({ isArchived, isHeld }) => !isArchived && !isHeld);
      if (id === null) return;
      await archive(context, id);
      Object.assign(known.get(id)!, { isArchived: true, archivedAtMs: clock.nowMs() });
    },
    async 'archive of a held one'(context) {
      const id = pick(({ isArchived, isHeld }) => !isArchived && isHeld);
      if (id !== null) await assert.rejects(archive(context, id), { code: 'hold_active' });
    },
    async undelete(context) {
      const id = pick(({ isArchived }) => isArchived);
      if (id === null) return;
      await undelete(context, id);
      known.get(id)!.isArchived = false;
    },
    ...holdSteps(pick, known),
    async rotate(context) {
      const rulesOf = () => ({ days: null, versions: null });
      const given = { dryRun: false, acceptAnomalies: true, stateFolder: join(folder, 'state') };
      const { removed } = await rotate(context, { ...given, plan: null, tenantId: null, rulesOf });
      assert.equal(removed, 0);
      const left = await idsOf(context, true);
      for (const [id, { isArchived, isHeld, archivedAtMs }] of known) {
        if (!isArchived || left.includes(id)) continue;
        assert.ok(!isHeld && clock.nowMs() - archivedAtMs >= ARCHIVE_MS, `${id} was deleted early`);
        known.delete(id);
      }
    },
    async prune(context) {
      assert.deepEqual((await prune(context, { dryRun: false })).blockedBy, []);
    },
    async verify(context) {
      const { damaged, affected, rejected } = await verifyRepository(context.repository);
      assert.deepEqual([damaged, affected, rejected], [[], [], []]);
    },
    async restore(context) {
      const id = pick(({ isArchived }) => !isArchived);
      if (id === null) return;
      const target = join(folder, 'restored');
      await restore(context, { backupId: id, item: null, target, replace: false });
      assert.deepEqual(describeTree(join(target, 'files')), known.get(id)!.tree, `${id} came back otherwise`);
      await rm(target, { recursive: true });
    },
    async 'rotate key'(context) {
      if (credentials.length > 4) return;
      const next = rawCredential();
      await rotateKey(context, next, 'soak');
      credentials = [next, ...credentials];
    },
    async reencrypt(context) {
      await reencrypt(context);
    },
    async wait() {
      clock.advance(random.int(4 * DAY_MS));
    },
  };
  const often = ['backup', 'backup', 'killed', 'archive', 'archive', 'restore', 'prune', 'wait', 'wait'];
  const names = [...Object.keys(steps), ...often];

  return {
    ...{ storage, done },
    async step() {
      const name = random.pick(names);
      clock.advance(HOUR_MS / 60);
      await steps[name]!(await contextOn(storage));
      done[name] = (done[name] ?? 0) + 1;
      const context = await contextOn(storage);
      for (const isArchived of [false, true]) {
        const wanted = [...known].filter(([, one]) => one.isArchived === isArchived).map(([id]) => id);
        assert.deepEqual(await idsOf(context, isArchived), wanted.sort(), `after ${name}, ${edits} edits`);
      }
    },
  };
}

const idsOf = async (context: OperationContext, archived: boolean) =>
  (await listBackups(context, { plan: null, tenantId: null, archived })).map(({ id }) => id).sort();

/** In use beside what the repository in memory takes. */
async function usedBytes(storage: Storage): Promise<number> {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  let stored = 0;
  for await (const { sizeBytes } of storage.list('')) stored += sizeBytes;
  return heapUsed + external - stored;
}

const MINUTES = Number(process.env.HOLDFAST_SOAK_MINUTES ?? 0);
const SHORTEST = count(40, 2000);
/** A repository that grows a little, and what V8 keeps for itself. */
const SLACK_BYTES = 16 << 20;

test('random operations, against a model: no difference, nothing left open', async (t) => {
  const before = openResources();
  const soak = await startSoak(t, seededRandom('soak'));
  const end = Date.now() + MINUTES * 60_000;
  let early = Number.POSITIVE_INFINITY;
  let steps = 0;
  for (; steps < SHORTEST || Date.now() < end; steps += 1) {
    await soak.step();
    if (steps === 300) early = await usedBytes(soak.storage);
  }
  t.diagnostic(`${steps} steps: ${JSON.stringify(soak.done)}`);
  const used = await usedBytes(soak.storage);
  assert.ok(used <= early * 1.1 + SLACK_BYTES, `${early} bytes in use grew to ${used}`);
  assert.deepEqual(await releasedResources(before), []);
});

test('negative control: a pack, or a backup, that goes away is noticed', async (t) => {
  for (const prefix of ['packs/', 'backups/']) {
    const soak = await startSoak(t, randomFrom(7));
    const isNoticed = async () => {
      for (let steps = 0; steps < 60; steps += 1) {
        const [name] = steps < 10 ? [] : await namesOf(soak.storage, prefix);
        if (name !== undefined) await soak.storage.remove(name);
        const failure = await soak.step().then(
          () => null,
          (error: unknown) => error,
        );
        if (failure !== null) return failure instanceof assert.AssertionError || codeOf(failure) !== null;
      }
      return false;
    };
    assert.equal(await isNoticed(), true, prefix);
  }
});
