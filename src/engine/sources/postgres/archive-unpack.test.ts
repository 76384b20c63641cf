import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { deflateSync, zstdCompressSync } from 'node:zlib';
import { writeArchive } from '../../../../test/support/archive-writer.ts';
import { codeOf } from '../../base/errors.ts';
import { archiveParser } from './archive-parser.ts';
import { tocOfStream } from './archive-toc.ts';
import { unpackArchive } from './archive-unpack.ts';

const ROWS = ['1\ta\n', '2\t\\N\n', `3\t${'x'.repeat(40_000)}\n`];
const OBJECT = Buffer.alloc(40_000, 7);
const base = { id: 5, kind: 'TABLE DATA', schema: 'public', name: 't', copy: 'COPY public.t FROM stdin;\n' };
const objects = (chunks: Buffer[]) => ({
  id: 6,
  kind: 'BLOBS',
  name: 'BLOBS',
  objects: [{ oid: 77, chunks }],
});

/** The same archive as pg_dump writes it without compression and with one. */
function pair(minor: 13 | 14 | 16, compression: number, pack: (bytes: Buffer) => Buffer) {
  const inPieces = (bytes: Buffer) => [bytes.subarray(0, 7), bytes.subarray(7)];
  const pieces16k = [0, 16_384, 32_768].map((at) => OBJECT.subarray(at, at + 16_384));
  const plain = writeArchive({ minor }, [{ ...base, rows: ROWS }, objects(pieces16k)]).bytes;
  const packedRows = inPieces(pack(Buffer.from(`${ROWS.join('')}\\.\n\n\n`)));
  const { bytes, borders } = writeArchive({ minor, compression }, [
    { ...base, chunks: packedRows },
    objects(inPieces(pack(OBJECT))),
  ]);
  return { plain, packed: bytes, borders };
}

async function unpacked(bytes: Buffer, step: number): Promise<Buffer> {
  const source = async function* () {
    for (let at = 0; at < bytes.length; at += step) yield bytes.subarray(at, at + step);
  };
  const toc = await tocOfStream(source(), 'source_damaged');
  const parts: Buffer[] = [];
  for await (const part of unpackArchive(source(), toc, 'source_damaged')) parts.push(part);
  return Buffer.concat(parts);
}

const isDamaged = (error: unknown) => codeOf(error) === 'source_damaged';

describe('unpacking a compressed archive', () => {
  const kinds = [
    ['zlib, 1.13', 13, 6, deflateSync],
    ['zlib, 1.14', 14, -1, deflateSync],
    ['zlib, 1.16', 16, 1, deflateSync],
    ['zstd, 1.16', 16, 3, zstdCompressSync],
  ] as const;
  for (const [name, minor, compression, pack] of kinds) {
    test(`gives what pg_dump writes without compression: ${name}`, async () => {
      const { plain, packed } = pair(minor, compression, pack);
      for (const step of [1, 13, 1 << 20]) assert.deepEqual(await unpacked(packed, step), plain);
      const parser = archiveParser('source_damaged');
      parser.push(plain);
      const facts = parser.end();
      assert.equal(facts.tables[0]!.rows, 3);
    });
  }

  test('refuses an archive that is cut anywhere in its data, or changed', async () => {
    const { packed, borders, plain } = pair(14, 6, deflateSync);
    for (let end = borders[0]! + 1; end < packed.length; end += 17) {
      if (borders.includes(end)) continue;
      await assert.rejects(unpacked(packed.subarray(0, end), 1 << 20), isDamaged, `cut at ${end}`);
    }
    const changed = Buffer.from(packed);
    changed[borders[0]! + 30]! ^= 0x10;
    const result = await unpacked(changed, 1 << 20).catch((error: unknown) => error);
    assert.ok(isDamaged(result) || !(result as Buffer).equals(plain));
  });
});
