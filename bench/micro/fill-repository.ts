/** Backups of one dump that changes in places, by the parts that write packs, index and manifests, on one thread. */
import { createCipheriv, createHash, createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { stageClock } from '../../src/engine/base/stage-times.ts';
import { parseKeyText } from '../../src/engine/crypto/key-text.ts';
import { openOrCreate } from '../../src/engine/operations/open-repository.ts';
import { packName } from '../../src/engine/repository/object-names.ts';
import { type BuiltPack, PACK_CAPACITY, packBuilder } from '../../src/engine/repository/pack-builder.ts';
import { markOf, REF_BYTES, writeRef } from '../../src/engine/repository/refs.ts';
import { indexWriter } from '../../src/engine/repository/replace-index.ts';
import type { Repository } from '../../src/engine/repository/repository.ts';
import { randomOf } from '../random.ts';

export interface Filling {
  readonly address: string;
  readonly password: string;
  readonly home: string;
  readonly backups: number;
  /** Plain bytes of all there is: half in the first backup, as much in all others together. */
  readonly totalBytes: number;
  readonly onBackup: (n: number) => void;
}

const CHUNK_BYTES = 1 << 16;
const REFS_A_LIST = 1024;
const HOUR_MS = 3_600_000;

/** A new pack, index object and manifest for each backup, as `holdfast backup` leaves them; the newest can be restored. */
export async function fillRepository({
  address,
  password,
  home,
  backups,
  totalBytes,
  onBackup,
}: Filling): Promise<void> {
  const { repository } = await openOrCreate({
    ...{ address, credentials: [parseKeyText(password)], create: 'always' },
    ...{ signingKeyFile: `${home}/signing-key.pem`, stateFolder: `${home}/state` },
  });
  const chunks = Math.ceil(totalBytes / 2 / CHUNK_BYTES);
  const changed = Math.max(1, Math.round(totalBytes / 2 / (backups - 1) / CHUNK_BYTES));
  const dump = newDump(repository, chunks);
  const random = randomOf(chunks, backups);
  const firstMs = Date.now() - backups * HOUR_MS;
  for (let n = 0; n < backups; n += 1) {
    const from = n === 0 ? 0 : random.integer(Math.max(1, chunks - changed));
    const packs = await dump.write(from, n === 0 ? chunks : Math.min(chunks, from + changed));
    const sha256 = n === backups - 1 ? dump.sha256() : '0'.repeat(64);
    await commit(repository, packs, dump.refs(), {
      sha256,
      sizeBytes: chunks * CHUNK_BYTES,
      atMs: firstMs + n * HOUR_MS,
    });
    onBackup(n + 1);
  }
  await repository.storage.close();
}

/** References to its chunks stand in lists, and references to those in the manifest. */
function newDump(repository: Repository, chunks: number) {
  const { keys } = repository;
  const idKey = createSecretKey(keys.chunkIdKey);
  const { epoch, repositoryId } = keys;
  const builder = packBuilder({ epoch, masterKey: keys.masterKey(epoch), repositoryId, clock: stageClock() });
  const memory = Buffer.allocUnsafeSlow(PACK_CAPACITY);
  const seeds = new Uint32Array(chunks);
  const lists = Buffer.alloc(chunks * REF_BYTES);
  const top = Buffer.alloc(Math.ceil(chunks / REFS_A_LIST) * REF_BYTES);
  let made = 0;
  return {
    /** Gives the packs that hold what is new: chunks `from` up to, not including, `to`, and their lists. */
    async write(from: number, to: number): Promise<string[]> {
      const packs: string[] = [];
      const index = indexWriter(repository);
      const store = async (built: BuiltPack | null) => {
        if (built === null) return;
        const { pack, sizeBytes, table } = built;
        await repository.storage.put(packName(pack), memory.subarray(0, sizeBytes));
        await index.add({ pack, sizeBytes, table: Buffer.from(table) });
        packs.push(pack);
      };
      const add = async (bytes: Buffer, target: Buffer, at: number) => {
        const id = idOf(idKey, bytes);
        writeRef(target, at * REF_BYTES, id, bytes.length, markOf(bytes));
        if (!builder.canAdd()) builder.lend(0, memory);
        await store(builder.add(id, bytes));
      };
      for (let i = from; i < to; i += 1) {
        made += 1;
        seeds[i] = made;
        await add(contentOf(made), lists, i);
      }
      for (let list = Math.floor(from / REFS_A_LIST); list * REFS_A_LIST < to; list += 1) {
        const end = Math.min(chunks, (list + 1) * REFS_A_LIST);
        await add(lists.subarray(list * REFS_A_LIST * REF_BYTES, end * REF_BYTES), top, list);
      }
      await store(builder.finish());
      await index.finish();
      return packs;
    },
    refs: () => Buffer.from(top),
    sha256() {
      const hash = createHash('sha256');
      for (const seed of seeds) hash.update(contentOf(seed));
      return hash.digest('hex');
    },
  };
}

const idOf = (key: KeyObject, bytes: Buffer) => createHmac('sha256', key).update(bytes).digest();

/** Half noise, half its digits. */
function contentOf(seed: number): Buffer {
  const key = Buffer.alloc(32);
  key.writeUInt32LE(seed);
  const noise = createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(CHUNK_BYTES / 2));
  return Buffer.concat([noise, Buffer.from(noise.toString('hex', 0, CHUNK_BYTES / 4))]);
}

interface Made {
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly atMs: number;
}

async function commit(
  repository: Repository,
  packs: readonly string[],
  refs: Buffer,
  { sha256, sizeBytes, atMs }: Made,
): Promise<void> {
  const at = new Date(atMs).toISOString();
  const content = { sizeBytes, depth: 1, refs };
  const artifact = { name: 'dump', source: 'dump', kind: 'command', form: 'stream', facts: {} } as const;
  await repository.manifests.commit(
    {
      ...{ plan: null, tenantId: null, type: 'full', complete: true, startedAt: at, finishedAt: at },
      ...{
        host: 'bench',
        program: 'bench',
        tools: {},
        previous: null,
        problems: [],
        statistics: {},
        ledgerHead: null,
      },
      artifacts: [{ ...artifact, sizeBytes, sha256, content }],
    },
    packs,
    // Its time is made up; the run itself is not long.
    { timer: { startedAtMs: Date.now(), elapsedMs: () => 0 } },
  );
}
