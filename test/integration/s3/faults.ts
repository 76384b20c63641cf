import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, type TestContext, test } from 'node:test';
import {
  GetObjectCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { collect } from '../../../src/engine/base/bytes.ts';
import { HoldfastError } from '../../../src/engine/base/errors.ts';
import type { Storage } from '../../../src/engine/storage/port.ts';
import { partsOf } from '../../../src/engine/storage/put-content.ts';
import { type Ceph, SHORT_PATIENCE } from '../../support/ceph.ts';
import { count } from '../../support/counts.ts';
import { FAULTS, type Fault, type FaultProxy, startFaultProxy } from '../../support/fault-proxy.ts';
import { randomFrom, type SeededRandom, seededRandom } from '../../support/seed.ts';
import { newBucket, openFor, type World } from './world.ts';

const PART_BYTES = 65536;

interface Bench {
  readonly ceph: Ceph;
  readonly bucket: string;
  readonly proxy: FaultProxy;
  /** Through the proxy, with patience that only silence exhausts: a busy machine answers late. */
  readonly storage: Storage;
  /** The same with little of it, where faults stand still. */
  readonly hasty: Storage;
  /** Past it. */
  readonly direct: S3Client;
}

async function bench(t: TestContext, world: World): Promise<Bench> {
  const ceph = world();
  const bucket = await newBucket(ceph);
  const proxy = await startFaultProxy(ceph.port);
  const address = ceph.address(bucket, { endpoint: proxy.endpoint });
  const open = (idleMs: number, callMs: number) =>
    openFor(t, address, {
      credentials: ceph.owner,
      patience: { ...SHORT_PATIENCE, idleMs, callMs },
      partBytes: PART_BYTES,
    });
  const [storage, hasty] = [await open(60_000, 120_000), await open(700, 3_000)];
  const direct = ceph.client();
  t.after(async () => {
    direct.destroy();
    await proxy.stop();
  });
  // What is asked once per storage is asked now, so that every exchange that follows belongs to the call under test.
  for (const one of [storage, hasty]) {
    await one.inspect?.();
    await one.put('warm/parts', pieces(Buffer.alloc(PART_BYTES * 2)));
    await one.stat('warm/none');
  }
  return { ceph, bucket, proxy, storage, hasty, direct };
}

async function* pieces(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += 10_000) yield bytes.subarray(at, at + 10_000);
}

/** What is truly stored; null when nothing is. */
async function stored({ direct, bucket }: Bench, name: string): Promise<Buffer | null> {
  try {
    const { Body } = await direct.send(new GetObjectCommand({ Bucket: bucket, Key: name }));
    return Buffer.from((await Body?.transformToByteArray()) ?? []);
  } catch (error) {
    if ((error as Error).name === 'NoSuchKey') return null;
    throw error;
  }
}

interface Operation {
  readonly name: string;
  /** Faults that cannot be seen here, and are the reader's to find. */
  readonly blindTo?: readonly Fault[];
  readonly mayStall?: boolean;
  /** Does it and throws where the result is wrong. */
  run(bench: Bench, name: string, bytes: Buffer): Promise<void>;
}

const small = (bytes: Buffer) => bytes.subarray(0, 5000);

const OPERATIONS: readonly Operation[] = [
  {
    name: 'put',
    async run(at, name, bytes) {
      assert.equal(await at.storage.put(name, small(bytes)), 'created');
      assert.deepEqual(await stored(at, name), small(bytes));
    },
  },
  {
    name: 'put in parts',
    mayStall: true,
    async run(at, name, bytes) {
      const two = bytes.subarray(0, 100_000);
      assert.equal(await at.storage.put(name, pieces(two)), 'created');
      assert.deepEqual(await stored(at, name), two);
    },
  },
  {
    name: 'put of what is there',
    async run(at, _name, bytes) {
      assert.equal(await at.storage.put('there', small(bytes)), 'exists');
      assert.equal((await stored(at, 'there'))?.length, 150_000);
    },
  },
  {
    name: 'get',
    async run({ storage }, _name, bytes) {
      assert.deepEqual(await storage.get('there'), bytes);
    },
  },
  {
    name: 'get of a range',
    blindTo: ['flipped-answer'],
    async run({ storage }, _name, bytes) {
      assert.deepEqual(
        await storage.get('there', { offset: 100, length: 70_000 }),
        bytes.subarray(100, 70_100),
      );
    },
  },
  {
    name: 'open',
    mayStall: true,
    blindTo: ['flipped-answer'],
    async run({ storage }, _name, bytes) {
      assert.deepEqual(await collect(storage.open('there')), bytes);
    },
  },
  {
    name: 'list',
    blindTo: ['flipped-answer'],
    async run({ storage }) {
      const names: string[] = [];
      for await (const found of storage.list('warm/')) names.push(`${found.name} ${found.sizeBytes}`);
      assert.deepEqual(names, [`warm/parts ${PART_BYTES * 2}`]);
    },
  },
  {
    name: 'stat',
    async run({ storage }) {
      assert.equal((await storage.stat('there'))?.sizeBytes, 150_000);
      assert.equal(await storage.stat('nothing'), null);
    },
  },
  {
    name: 'remove',
    async run(at, name, bytes) {
      await at.storage.put(name, small(bytes));
      await at.storage.remove(name);
      assert.equal(await stored(at, name), null);
    },
  },
];

/** One fault at each exchange of each operation: every one must be survived, and the result right. */
function singleFaults(world: World): void {
  for (const operation of OPERATIONS) {
    test(`${operation.name}: any single fault at any exchange is survived`, async (t) => {
      const at = await bench(t, world);
      const bytes = randomFrom(21).bytes(150_000);
      assert.equal(await at.storage.put('there', bytes), 'created');
      let trials = 0;
      for (const fault of FAULTS) {
        if (operation.blindTo?.includes(fault)) continue;
        // Standing still takes time, so per commit it is tried where something goes or comes.
        const isStall = fault.startsWith('stall');
        const most = isStall ? count(operation.mayStall ? 2 : 0, 20) : 20;
        const through = isStall ? { ...at, storage: at.hasty } : at;
        for (let nth = 1; nth <= most; nth += 1) {
          at.proxy.plan((exchange) => (exchange.nth === nth ? fault : null));
          await operation.run(through, `new/${fault}/${nth}`, bytes).catch((error: unknown) => {
            throw new Error(`${fault} at exchange ${nth}: ${(error as Error).message}`, { cause: error });
          });
          if (at.proxy.faults === 0) break;
          trials += 1;
        }
      }
      assert.ok(trials >= FAULTS.length - 3, `${trials} trials`);
      at.proxy.plan(() => null);
      const uploads = await at.direct.send(new ListMultipartUploadsCommand({ Bucket: at.bucket }));
      // An upload whose very beginning got lost has no id that could be aborted: it waits for the next tidying.
      const lost = operation.name === 'put in parts' ? 5 : 0;
      assert.ok((uploads.Uploads ?? []).length <= lost, `${uploads.Uploads?.length} uploads are left`);
    });
  }
}

/** Many faults by chance. Counts successes that were none, and objects that are neither whole nor absent. */
async function faultyRun(at: Bench, storage: Storage, random: SeededRandom, rounds: number) {
  const outcome = { rounds: 0, succeeded: 0, failed: 0, lies: [] as string[] };
  const kinds = FAULTS.filter((fault) => !fault.startsWith('stall') || random.next() < 0.2);
  for (let i = 0; i < rounds; i += 1) {
    const bytes = random.bytes(random.pick([0, 4000, 90_000, 200_000]));
    const name = `random/${i}`;
    const rate = random.pick([0.1, 0.5, 1]);
    const byChance = () => (random.next() < rate ? random.pick(kinds) : null);
    // The first round meets nothing and the second nothing else, so that both ends are seen whatever the dice say.
    const plans: (() => Fault | null)[] = [() => null, () => 'server-error'];
    at.proxy.plan(plans[i] ?? byChance, random.next);
    const put = await storage.put(name, random.next() < 0.5 ? pieces(bytes) : bytes).catch(asFailure);
    const got = await storage.get(name).catch(asFailure);
    at.proxy.plan(() => null);
    const there = await stored(at, name);
    outcome.rounds += 1;
    if (put === 'created' && !there?.equals(bytes)) outcome.lies.push(`${i}: created, and is not there`);
    if (put === 'exists') outcome.lies.push(`${i}: exists, and was new`);
    if (there && !there.equals(bytes)) outcome.lies.push(`${i}: half an object`);
    if (Buffer.isBuffer(got) && !(there && got.equals(there))) outcome.lies.push(`${i}: wrong bytes`);
    if (put === 'created' && Buffer.isBuffer(got)) outcome.succeeded += 1;
    else outcome.failed += 1;
  }
  return outcome;
}

function asFailure(error: unknown): 'failed' {
  assert.ok(error instanceof HoldfastError && error.code !== 'internal', String((error as Error).stack));
  return 'failed';
}

function manyFaults(world: World): void {
  test('faults by chance: no success that is none, no half object, no wrong bytes', async (t) => {
    const at = await bench(t, world);
    const outcome = await faultyRun(at, at.hasty, seededRandom('s3 faults'), count(15, 2000));
    assert.deepEqual(outcome.lies, []);
    assert.ok(outcome.succeeded > 0 && outcome.failed > 0, JSON.stringify(outcome));
  });

  test('negative control: a client that believes what it is told is caught', async (t) => {
    const at = await bench(t, world);
    const outcome = await faultyRun(at, careless(at), randomFrom(5), 25);
    assert.ok(
      outcome.lies.some((lie) => lie.includes('is not there')),
      JSON.stringify(outcome.lies),
    );
    assert.ok(
      outcome.lies.some((lie) => lie.includes('wrong bytes')),
      JSON.stringify(outcome.lies),
    );
  });
}

function throughProxy({ ceph, proxy }: Bench): S3Client {
  return ceph.client(ceph.owner, proxy.endpoint);
}

/** Takes the end of a request for its success, and whatever arrives for the object. */
function careless(at: Bench): Storage {
  const { storage, bucket } = at;
  return {
    ...storage,
    async put(name, content) {
      const client = throughProxy(at);
      const Body = await collect(partsOf(content));
      const command = new PutObjectCommand({ Bucket: bucket, Key: name, Body });
      await client.send(command, { abortSignal: AbortSignal.timeout(1500) }).catch(() => {});
      client.destroy();
      return 'created';
    },
    async get(name) {
      const client = throughProxy(at);
      try {
        const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: name }), {
          abortSignal: AbortSignal.timeout(1500),
        });
        return Buffer.from((await Body?.transformToByteArray()) ?? []);
      } catch (error) {
        throw new HoldfastError('storage_io', undefined, { cause: error });
      } finally {
        client.destroy();
      }
    },
  };
}

export function faultTests(world: World): void {
  describe('s3: a network and a server that fail', () => {
    singleFaults(world);
    manyFaults(world);
    enduring(world);
  });
}

/** A server that never recovers must end every call, within its limits and with a word about it. */
function enduring(world: World): void {
  test('a server that goes on failing is given up, by code and with a next step', async (t) => {
    const at = await bench(t, world);
    const content = Buffer.from('x');
    // Asked once, by the first: whether one digest is enough.
    let askedBesides = 1;
    for (const fault of ['cut', 'slow-down', 'server-error', 'stall'] as const) {
      at.proxy.plan(() => fault);
      await assert.rejects(at.hasty.put(`end/${fault}`, content), { code: 'storage_unreachable' }, fault);
      assert.equal(at.proxy.exchanges, SHORT_PATIENCE.attempts + askedBesides, fault);
      askedBesides = 0;
    }
  });

  test('an object that is damaged where it lies is given as it is, and not asked for without end', async (t) => {
    const at = await bench(t, world);
    const bytes = randomFrom(3).bytes(20_000);
    await at.storage.put('damaged', bytes);
    at.proxy.plan(({ method }) => (method === 'GET' ? 'flipped-answer' : null));
    const read = await at.storage.get('damaged');
    const difference = read.filter((byte, i) => byte !== bytes[i]).length;
    assert.equal(difference, 1, createHash('md5').update(read).digest('hex'));
    assert.equal(at.proxy.exchanges, 2);
  });

  test('bytes that are not of the SHA-256 their writer knows are refused by the server', async (t) => {
    const at = await bench(t, world);
    const bytes = randomFrom(7).bytes(20_000);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const other = Buffer.from(bytes);
    other[5]! ^= 1;
    await assert.rejects(at.storage.put('mangled', other, { sha256 }), HoldfastError);
    assert.equal(await stored(at, 'mangled'), null);
    assert.equal(await at.storage.put('mangled', bytes, { sha256 }), 'created');
    assert.deepEqual(await stored(at, 'mangled'), bytes);
  });

  test('an abort ends a call that waits for a silent server', async (t) => {
    const at = await bench(t, world);
    const ending = new AbortController();
    at.proxy.plan(() => {
      setTimeout(() => ending.abort(new Error('enough')), 50);
      return 'stall';
    });
    await assert.rejects(at.storage.get('warm/parts', undefined, { signal: ending.signal }), /enough/);
    assert.equal(at.proxy.exchanges, 1);
  });
}
