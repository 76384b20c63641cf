/** The zstd decoders inside of the decoders of the recovery kit, against the library that makes the frames. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { constants, zstdCompressSync } from 'node:zlib';
import { compressDelta } from '../../src/engine/repository/delta-codec.ts';
import { count } from '../support/counts.ts';
import { ensureCryptography, KIT_FOLDER, NODE_DECODER } from '../support/decoders.ts';
import { type SeededRandom, seededRandom } from '../support/seed.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

interface Sample {
  readonly plain: Buffer;
  readonly frame: Buffer;
  readonly dictionary: Buffer;
}

type Decode = (frame: Buffer, maxBytes: number, dictionary: Buffer) => Buffer;

const NONE = Buffer.alloc(0);

/** Words, numbers, noise and runs in any mixture: what makes literals, matches and repeats of every kind. */
function text(random: SeededRandom, length: number): Buffer {
  const words = Array.from({ length: 1 + random.int(400) }, () => random.bytes(1 + random.int(12)));
  const parts: Buffer[] = [];
  for (let size = 0; size < length; size += parts.at(-1)!.length) {
    const kind = random.int(10);
    if (kind === 0) parts.push(random.bytes(1 + random.int(300)));
    else if (kind === 1) parts.push(Buffer.alloc(1 + random.int(2000), random.int(256)));
    else if (kind === 2) parts.push(Buffer.from(String(random.int(1e9))));
    else parts.push(random.pick(words));
  }
  return Buffer.concat(parts).subarray(0, length);
}

function edited(bytes: Buffer, random: SeededRandom): Buffer {
  const copy = Buffer.from(bytes);
  for (let i = 0; i < 1 + copy.length / 3000; i += 1) copy[random.int(copy.length)]! ^= 1 + random.int(255);
  const cut = random.int(copy.length);
  return Buffer.concat([copy.subarray(0, cut), random.bytes(random.int(40)), copy.subarray(cut)]);
}

function sampleOf(random: SeededRandom): Sample {
  const plain = text(random, Math.floor(2 ** (random.next() * 18.5)));
  if (random.int(3) === 0) {
    const dictionary = text(random, 64 + random.int(200_000));
    const near = random.int(2) === 0 ? edited(dictionary, random) : plain;
    return { plain: near, dictionary, frame: compressDelta(near, dictionary) };
  }
  const params = {
    [constants.ZSTD_c_compressionLevel]: random.pick([-5, 1, 3, 9, 19]),
    [constants.ZSTD_c_checksumFlag]: random.int(2),
    [constants.ZSTD_c_contentSizeFlag]: random.int(2),
  };
  return { plain, dictionary: NONE, frame: zstdCompressSync(plain, { params }) };
}

function samples(random: SeededRandom, many: number): Sample[] {
  const edges = [NONE, Buffer.from('a'), Buffer.alloc(400_000), random.bytes(140_000)];
  return [
    ...edges.map((plain) => ({ plain, dictionary: NONE, frame: zstdCompressSync(plain) })),
    ...Array.from({ length: many }, () => sampleOf(random)),
  ];
}

const nodeDecoder = async (): Promise<Decode> =>
  ((await import(pathToFileURL(NODE_DECODER).href)) as { zstdBuiltin: Decode }).zstdBuiltin;

test('node: every frame comes out as it went in, and never longer than allowed', async () => {
  const decode = await nodeDecoder();
  for (const { plain, frame, dictionary } of samples(seededRandom('zstd, node'), count(60, 2000))) {
    assert.ok(decode(frame, plain.length, dictionary).equals(plain));
    if (plain.length > 0)
      assert.throws(() => decode(frame, plain.length - 1, dictionary), /more than it may/);
  }
});

test('node: whatever is changed in a frame, the end is an error or other bytes, in time and in bounds', async () => {
  const decode = await nodeDecoder();
  const random = seededRandom('zstd damage');
  let refused = 0;
  for (let i = 0; i < count(2000, 50_000); i += 1) {
    const plain = text(random, 20 + random.int(3000));
    const frame = Buffer.from(zstdCompressSync(plain));
    const changed = random.int(4) === 0 ? frame.subarray(0, random.int(frame.length)) : frame;
    if (changed === frame)
      for (let n = 0; n < 3; n += 1) frame[random.int(frame.length)]! ^= 1 << random.int(8);
    try {
      assert.ok(decode(changed, plain.length, NONE).length <= plain.length);
    } catch (error) {
      assert.equal((error as { kind?: string }).kind, 'damaged', (error as Error).stack);
      refused += 1;
    }
  }
  assert.ok(refused > 0);
});

const COMPARE = `
import json, sys
sys.path.insert(0, sys.argv[1])
import holdfast_decode as decoder
with open(sys.argv[2]) as file:
    samples = json.load(file)
for kind in [decoder.BuiltinZstd, decoder.SystemZstd]:
    try:
        zstd = kind()
    except OSError:
        continue
    for sample in samples:
        plain, frame, dictionary = (bytes.fromhex(sample[key]) for key in ("plain", "frame", "dictionary"))
        assert zstd.decode(frame, len(plain), dictionary) == plain
        if not dictionary:
            assert b"".join(zstd.stream(frame[i : i + 999] for i in range(0, len(frame), 999))) == plain
        try:
            zstd.decode(frame, len(plain) - 1, dictionary)
            assert len(plain) < 2
        except decoder.Failure as failure:
            assert failure.kind == "damaged"
print(len(samples))
`;

test('python: every frame comes out as it went in, by its own decoder and by the system', async (t) => {
  const all = samples(seededRandom('zstd, python'), count(25, 400));
  const file = join(await temporaryFolder(t), 'samples.json');
  const hex = ({ plain, frame, dictionary }: Sample) => ({
    plain: plain.toString('hex'),
    frame: frame.toString('hex'),
    dictionary: dictionary.toString('hex'),
  });
  writeFileSync(file, JSON.stringify(all.map(hex)));
  const run = spawnSync(ensureCryptography(), ['-B', '-c', COMPARE, KIT_FOLDER, file], { encoding: 'utf8' });
  assert.equal(run.stdout, `${all.length}\n`, run.stderr);
});
