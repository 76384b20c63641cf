/** Seals with everything that seals, from fixed inputs; run as a program it prints the pairs it used. */
import { fileURLToPath } from 'node:url';
import { sealSlot } from '../../src/engine/crypto/key-slot.ts';
import { newHeader } from '../../src/engine/crypto/object-header.ts';
import { packSealer } from '../../src/engine/crypto/pack-cipher.ts';
import { sealObject } from '../../src/engine/crypto/sealed-object.ts';
import { encryptStream } from '../../src/engine/crypto/streaming-aead.ts';
import { bundleBytes, inParts } from './bundles.ts';
import { recordNonces } from './nonce-recorder.ts';

const MASTER_KEY = Buffer.alloc(32, 1);
const REPOSITORY_ID = Buffer.alloc(16, 2);
const COMMON = { epoch: 1, repositoryId: REPOSITORY_ID, masterKey: MASTER_KEY };
const SEGMENT_BYTES = 64;

/** About `segments` sealings, always the same work under the same keys: only salts and counters may differ. */
export async function sealEverything(segments: number): Promise<void> {
  const share = Math.ceil(segments / 4);
  const packs = Math.ceil(share / 500);
  for (let i = 0; i < packs; i += 1) {
    const sealer = packSealer(newHeader({ type: 'pack', ...COMMON }));
    for (let block = 0; block < 500; block += 1) sealer.sealBlock(Buffer.of(1));
    sealer.sealTable(Buffer.of(2));
  }
  for (let i = 0; i < share; i += 1) sealObject({ type: 'hold', ...COMMON, payload: Buffer.of(3) });
  sealObject({ type: 'index', ...COMMON, payload: Buffer.alloc(3 * 2 ** 20).map((_, at) => (at * at) >> 3) });
  for (let done = 0; done < 2 * share; done += 2000) {
    const plain = Buffer.alloc(2000 * (SEGMENT_BYTES - 16));
    for await (const _ of encryptStream(MASTER_KEY, REPOSITORY_ID, inParts(plain, 4096), {
      segmentBytes: SEGMENT_BYTES,
    }));
  }
  const credential = { kind: 'raw', key: MASTER_KEY } as const;
  for (let i = 0; i < 20; i += 1) {
    await sealSlot({ credential, ...COMMON, label: 'same', slotId: '0193f2a1-0000-7000-8000-000000000001' });
    await bundleBytes({ 'db.dump': Buffer.from('same') });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const recorder = recordNonces();
  await sealEverything(Number(process.argv[2]));
  process.stdout.write(recorder.pairs.join('\n'));
}
