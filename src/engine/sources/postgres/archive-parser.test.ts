import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { type ArchivePart, writeArchive } from '../../../../test/support/archive-writer.ts';
import { count } from '../../../../test/support/counts.ts';
import { seededRandom } from '../../../../test/support/seed.ts';
import { HoldfastError } from '../../base/errors.ts';
import { archiveParser } from './archive-parser.ts';
import { NUMBER_BYTES } from './block-parser.ts';
import type { DumpFacts } from './facts.ts';

const sha256 = (text: string | Buffer) => createHash('sha256').update(text).digest('hex');

const PARTS: readonly ArchivePart[] = [
  { id: 1, kind: 'ENCODING', name: 'ENCODING', definition: "SET client_encoding = 'UTF8';\n" },
  { id: 7, kind: 'TABLE', schema: 'public', name: 'tü "x"', definition: 'CREATE TABLE …' },
  {
    id: 12,
    kind: 'TABLE DATA',
    schema: 'public',
    name: 'tü "x"',
    rows: ['1\ta\n', '2\t\\N\n3\tb\n', 'x'.repeat(60), '\n'],
  },
  { id: 9, kind: 'TABLE DATA', schema: 'aux', name: 'empty', rows: [] },
  {
    id: 300,
    kind: 'BLOBS',
    name: 'BLOBS',
    objects: [
      { oid: 5, chunks: [Buffer.from('abc'), Buffer.from('de')] },
      { oid: 6, chunks: [] },
    ],
  },
  { id: 301, kind: 'BLOBS', name: 'BLOBS', objects: [{ oid: 7, chunks: [Buffer.alloc(100)] }] },
  {
    id: 13,
    kind: 'SEQUENCE SET',
    schema: 'public',
    name: 's',
    section: 3,
    definition: "SELECT pg_catalog.setval('public.s', -9223372036854775807, true);\n",
  },
];

function parse(pieces: Iterable<Buffer>): { facts: DumpFacts; cuts: number[] } {
  const parser = archiveParser();
  const cuts: number[] = [];
  for (const piece of pieces) cuts.push(...parser.push(piece));
  return { facts: parser.end(), cuts };
}

function* split(bytes: Buffer, at: readonly number[]): Generator<Buffer> {
  let from = 0;
  for (const border of [...at, bytes.length]) {
    yield bytes.subarray(from, border);
    from = border;
  }
}

const isUnsound = (error: unknown) =>
  error instanceof HoldfastError && error.code === 'source_failed' && /not sound/.test(error.message);

describe('archive parser', () => {
  for (const minor of [12, 13, 14, 15, 16] as const) {
    test(`tells every table of an archive of version 1.${minor}`, () => {
      const { bytes, borders } = writeArchive({ minor }, PARTS);
      const { facts, cuts } = parse([bytes]);
      const data = `1\ta\n2\t\\N\n3\tb\n${'x'.repeat(60)}\n`;
      const [toc, first, second, third, end] = borders as [number, number, number, number, number];
      assert.deepEqual(facts.tables, [
        {
          schema: 'public',
          name: 'tü "x"',
          dumpId: 12,
          start: toc,
          end: first,
          rows: 4,
          sha256: sha256(data),
        },
        { schema: 'aux', name: 'empty', dumpId: 9, start: first, end: second, rows: 0, sha256: sha256('') },
      ]);
      assert.deepEqual(facts.largeObjects, {
        count: 3,
        sizeBytes: 105,
        sha256: sha256(`5 5 ${sha256('abcde')}\n6 0 ${sha256('')}\n7 100 ${sha256(Buffer.alloc(100))}\n`),
        blocks: [
          { dumpId: 300, start: second, end: third },
          { dumpId: 301, start: third, end },
        ],
      });
      const sequence = { schema: 'public', name: 's', lastValue: '-9223372036854775807', isCalled: true };
      assert.deepEqual(facts.sequences, [sequence]);
      assert.deepEqual(
        [facts.archiveVersion, facts.encoding, facts.database, facts.tocEnd, facts.entries, facts.sizeBytes],
        [`1.${minor}`, 'UTF8', 'crafted', toc, PARTS.length, bytes.length],
      );
      assert.deepEqual([...new Set(cuts)], [toc, first, second, third]);
    });
  }

  test('gives the same facts and borders wherever the bytes are split', () => {
    const { bytes } = writeArchive({ minor: 14 }, PARTS);
    const whole = parse([bytes]);
    const wanted = { facts: whole.facts, cuts: [...new Set(whole.cuts)] };
    for (let at = 0; at <= bytes.length; at += 1) {
      const { facts, cuts } = parse(split(bytes, [at]));
      assert.deepEqual({ facts, cuts: [...new Set(cuts)] }, wanted, `split at ${at}`);
    }
    const single = parse(split(bytes, [...bytes.keys()].slice(1)));
    assert.deepEqual({ facts: single.facts, cuts: [...new Set(single.cuts)] }, wanted);
  });

  test('gives the same facts for random archives in random pieces', () => {
    const random = seededRandom('archive parser');
    for (let run = 0; run < count(150, 3000); run += 1) {
      const tables = Array.from({ length: random.int(5) }, (_, i): ArchivePart => {
        const rows = Array.from({ length: random.int(60) }, () =>
          Buffer.concat([Buffer.from('r'.repeat(random.int(random.pick([3, 50, 6000])))), Buffer.from('\n')]),
        );
        return { id: i + 1, kind: 'TABLE DATA', schema: 's', name: `t${i}`, rows };
      });
      const { bytes } = writeArchive({ minor: random.pick([14, 15, 16] as const) }, tables);
      const at = Array.from({ length: random.int(40) }, () => random.int(bytes.length)).sort((a, b) => a - b);
      const { facts } = parse(split(bytes, at));
      const wanted = tables.map(({ rows }) => [rows!.length, sha256(Buffer.concat(rows as Buffer[]))]);
      assert.deepEqual(
        facts.tables.map((table) => [table.rows, table.sha256]),
        wanted,
      );
    }
  });

  test('keeps cuts inside the piece they came with', () => {
    const { bytes } = writeArchive({ minor: 14 }, PARTS);
    const parser = archiveParser();
    let offset = 0;
    for (const piece of split(bytes, [50, 400, bytes.length - 40])) {
      for (const cut of parser.push(piece)) assert.ok(cut >= offset && cut < offset + piece.length, `${cut}`);
      offset += piece.length;
    }
  });
});

describe('archive parser, on archives that are not whole', () => {
  test('refuses one cut at any byte', () => {
    const { bytes } = writeArchive({ minor: 15 }, PARTS);
    for (let length = 0; length < bytes.length; length += 1) {
      assert.throws(() => parse([bytes.subarray(0, length)]), isUnsound, `cut to ${length}`);
    }
  });

  test('refuses bytes behind the last block, blocks twice, and blocks nobody announced', () => {
    const { bytes, borders } = writeArchive({ minor: 14 }, PARTS);
    const block = bytes.subarray(borders[0], borders[1]);
    assert.throws(() => parse([bytes, Buffer.from([0])]), isUnsound);
    assert.throws(() => parse([bytes, block]), isUnsound);
    const stranger = writeArchive({ minor: 14 }, [{ id: 77, kind: 'TABLE DATA', name: 'x', rows: [] }]);
    assert.throws(() => parse([bytes, stranger.bytes.subarray(stranger.borders[0])]), isUnsound);
  });

  test('refuses a data block without pg_dump’s end marker', () => {
    const { bytes, borders } = writeArchive({ minor: 14 }, PARTS.slice(0, 3));
    // The last two frames are the marker's chunk and the closing zero.
    const end = borders[1]! - NUMBER_BYTES;
    const cut = Buffer.concat([bytes.subarray(0, end - 5 - NUMBER_BYTES), bytes.subarray(end)]);
    assert.throws(() => parse([cut]), isUnsound);
  });

  test('refuses other formats, versions, compression and nonsense', () => {
    const { bytes } = writeArchive({ minor: 14 }, PARTS);
    const changed = (offset: number, value: number) => {
      const copy = Buffer.from(bytes);
      copy[offset] = value;
      return copy;
    };
    for (const [offset, value] of [
      [0, 0x51],
      [5, 2],
      [6, 11],
      [6, 17],
      [8, 8],
      [9, 4],
      [10, 3],
    ] as const) {
      assert.throws(() => parse([changed(offset, value)]), isUnsound, `byte ${offset} = ${value}`);
    }
    assert.throws(() => parse([writeArchive({ minor: 14, compression: 6 }, PARTS).bytes]), isUnsound);
    assert.throws(() => parse([writeArchive({ minor: 16, compression: 1 }, PARTS).bytes]), isUnsound);
    assert.throws(() => parse([Buffer.from('-- a plain dump\n')]), isUnsound);
    const huge = writeArchive({ minor: 14 }, [{ id: 1, kind: 'x', name: 'y' }]);
    huge.bytes.writeUInt32LE(0xffffffff, huge.bytes.indexOf('crafted') - 4);
    assert.throws(() => parse([huge.bytes]), isUnsound);
  });
});
