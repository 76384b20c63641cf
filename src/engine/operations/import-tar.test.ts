import assert from 'node:assert/strict';
import { test } from 'node:test';
import { count } from '../../../test/support/counts.ts';
import { seededRandom } from '../../../test/support/seed.ts';
import { codeOf } from '../base/errors.ts';
import { DEFAULT_LIMITS } from '../bundle/limits.ts';
import { readForeignTar } from './import-tar.ts';

interface Part {
  readonly name: string;
  readonly type?: string;
  readonly link?: string;
  readonly content?: Buffer;
  /** As the header says it; default: the truth. */
  readonly sizeText?: string;
  readonly magic?: string;
}

function header({
  name,
  type = '0',
  link = '',
  content = Buffer.alloc(0),
  sizeText,
  magic = 'ustar  \0',
}: Part): Buffer {
  const block = Buffer.alloc(512);
  block.write(name, 0, 100);
  block.write('0000644\0', 100);
  block.write('0001750\0', 108);
  block.write('0001750\0', 116);
  block.write(sizeText ?? `${content.length.toString(8).padStart(11, '0')}\0`, 124, 12, 'latin1');
  block.write('14700000000\0', 136);
  block.write('        ', 148);
  block.write(type, 156, 'latin1');
  block.write(link, 157, 100);
  block.write(magic, 257, 'latin1');
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

function tarOf(parts: readonly Part[], end = true): Buffer {
  const blocks = parts.flatMap((part) => {
    const content = part.content ?? Buffer.alloc(0);
    return [header(part), content, Buffer.alloc((512 - (content.length % 512)) % 512)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(end ? 1024 : 0)]);
}

async function entriesOf(bytes: Buffer, limits = DEFAULT_LIMITS) {
  const source = async function* () {
    for (let at = 0; at < bytes.length; at += 700) yield bytes.subarray(at, at + 700);
  };
  const entries: string[] = [];
  for await (const { path, kind, content, linkTarget, sizeBytes } of readForeignTar(source(), limits)) {
    let length = 0;
    for await (const part of content) length += part.length;
    assert.equal(length, kind === 'file' ? sizeBytes : 0);
    entries.push(`${kind} ${path}${linkTarget ? ` -> ${linkTarget}` : ''} ${length}`);
  }
  return entries;
}

const codeOfFailure = (bytes: Buffer, limits = DEFAULT_LIMITS) =>
  entriesOf(bytes, limits).then(
    () => null,
    (error: unknown) => codeOf(error),
  );

const long = `${'d'.repeat(120)}/${'f'.repeat(120)}`;

test('names and links of GNU tar, and of pax, are read; ./ before them says nothing', async () => {
  const pax = Buffer.from(`${String(10 + long.length)} path=${long}\n`);
  const record = Buffer.from(`${pax.length} path=${long}\n`);
  assert.equal(record.length, pax.length);
  const bytes = tarOf([
    { name: './', type: '5' },
    { name: './a', content: Buffer.from('hello') },
    { name: '././@LongLink', type: 'L', content: Buffer.from(`${long}\0`) },
    { name: long.slice(0, 100), content: Buffer.alloc(600) },
    { name: 'x', type: 'x', content: record, magic: 'ustar\x0000' },
    { name: 'short', magic: 'ustar\x0000' },
    { name: 'ln', type: '1', link: './a' },
    { name: 'sym', type: '2', link: '../anywhere' },
    { name: 'fifo', type: '6' },
  ]);
  assert.deepEqual(await entriesOf(bytes), [
    'folder  0',
    'file a 5',
    `file ${long} 600`,
    `file ${long} 0`,
    'hardlink ln -> a 0',
    'symlink sym -> ../anywhere 0',
    'other fifo 0',
  ]);
});

test('paths that lead out, lies and bombs are refused by code', async () => {
  const refused: readonly (readonly [string, Buffer])[] = [
    ...['/etc/passwd', '../a', 'a/../../b', 'a//b', 'a/./b', '..', '//'].map(
      (name) => ['path_unsafe', tarOf([{ name }])] as const,
    ),
    ['path_unsafe', tarOf([{ name: 'a', type: '1', link: '../../etc/shadow' }])],
    ['path_unsafe', tarOf([{ name: 'x', type: 'L', content: Buffer.from('/abs\0') }, { name: 'a' }])],
    ['bundle_malformed', tarOf([{ name: 'a' }], false)],
    ['bundle_malformed', tarOf([{ name: 'a', content: Buffer.alloc(2000) }]).subarray(0, 1500)],
    ['bundle_malformed', tarOf([{ name: 'a', sizeText: '77777777777\0' }])],
    ['bundle_malformed', tarOf([{ name: 'a', sizeText: '-0000000001\0' }])],
    [
      'bundle_malformed',
      tarOf([{ name: 'a', sizeText: '\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff' }]),
    ],
    ['bundle_malformed', tarOf([{ name: 'a', type: 'S' }])],
    ['bundle_malformed', tarOf([{ name: 'a', type: '2', link: '' }])],
    ['bundle_malformed', Buffer.alloc(512, 7)],
    ['limit_exceeded', tarOf([{ name: 'x', type: 'L', content: Buffer.alloc(2 ** 20 + 1, 'a') }])],
    ['limit_exceeded', tarOf([{ name: `${'a/'.repeat(45)}b` }])],
  ];
  const limits = { ...DEFAULT_LIMITS, maxDepth: 40, maxFileBytes: 2 ** 40 };
  for (const [i, [code, bytes]] of refused.entries())
    assert.equal(await codeOfFailure(bytes, limits), code, `case ${i}`);
  const many = tarOf(Array.from({ length: 20 }, (_, i) => ({ name: `f${i}` })));
  assert.equal(await codeOfFailure(many, { ...DEFAULT_LIMITS, maxEntries: 10 }), 'limit_exceeded');
});

test('whatever bytes change, it is read or refused, and nothing else happens', async () => {
  const random = seededRandom('foreign tars');
  const whole = tarOf([
    { name: 'a', content: random.bytes(900) },
    { name: '././@LongLink', type: 'L', content: Buffer.from(`${long}\0`) },
    { name: 'b', type: '2', link: 'a' },
    { name: 'x', type: 'x', content: Buffer.from('20 mtime=1700000000\n') },
    { name: 'c', content: random.bytes(10) },
  ]);
  const allowed = new Set([null, 'bundle_malformed', 'path_unsafe', 'limit_exceeded']);
  for (let i = 0; i < count(1500, 50_000); i += 1) {
    const bytes = Buffer.from(whole);
    for (let flips = random.int(4) + 1; flips > 0; flips -= 1)
      bytes[random.int(bytes.length)] = random.int(256);
    const cut = random.next() < 0.2 ? bytes.subarray(0, random.int(bytes.length)) : bytes;
    const code = await codeOfFailure(cut);
    assert.ok(allowed.has(code), `${i}: ${code}`);
  }
});
