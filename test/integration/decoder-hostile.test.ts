/** The decoders of the recovery kit against people: wrong keys, forged chunks, strangers' signatures, paths that lead out. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { keyText } from '../../src/engine/crypto/key-text.ts';
import { newSigningKey } from '../../src/engine/crypto/signing.ts';
import { createRepository, type Repository } from '../../src/engine/repository/repository.ts';
import { openLocalStorage } from '../../src/engine/storage/local-storage.ts';
import { makeBackup } from '../support/backup-fixture.ts';
import { count } from '../support/counts.ts';
import {
  type Decoder,
  decoderOf,
  decoders,
  ensureCryptography,
  NODE_DECODER,
  PYTHON_DECODER,
} from '../support/decoders.ts';
import { commitTree, forgeChunks } from '../support/hostile-repository.ts';
import { type RawEntry, treeTar, wrapTar } from '../support/hostile-tar.ts';
import { file, folder, hard, link, lookAt, makeSandbox, root } from '../support/hostile-trees.ts';
import { RECOVERY_BUNDLE, RECOVERY_REPOSITORY, readRecovery } from '../support/recovery-fixture.ts';
import { rawCredential } from '../support/repository-world.ts';
import { seededRandom } from '../support/seed.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

interface Place {
  readonly address: string;
  readonly repository: Repository;
  readonly environment: Record<string, string>;
}

async function localRepository(base: string): Promise<Place> {
  const address = join(base, 'repository');
  const storage = await openLocalStorage({ folder: address });
  const credential = rawCredential();
  const repository = await createRepository({ storage, credential, signingKey: newSigningKey() });
  const key = credential.kind === 'raw' ? keyText(credential.key) : '';
  return { address, repository, environment: { BACKUP_ENCRYPTION_KEY: key } };
}

/** A decoder in which a line was changed: what the tests must notice. */
function broken(folder: string, original: string, line: string, by: string): string {
  const text = fs.readFileSync(original, 'utf8');
  assert.ok(text.includes(line), `${original} has the line`);
  const path = join(folder, `broken-${original.slice(original.lastIndexOf('/') + 1)}`);
  fs.writeFileSync(path, text.replace(line, by));
  return path;
}

test('wrong keys of every kind get one same answer, and nothing else', async (t) => {
  const { keys } = readRecovery();
  const random = seededRandom('wrong keys');
  const target = join(await temporaryFolder(t), 'out');
  const nearMiss = () => {
    const key = random.bytes(32);
    return keyText(key);
  };
  const many = Array.from({ length: count(200, 1000) }, nearMiss).join('\n');
  const wrong = [
    nearMiss(),
    'a passphrase that is not it',
    keys.passphrase.slice(0, -1),
    `${keys.passphrase} `,
  ];
  for (const decoder of decoders()) {
    for (const [args, what] of [
      [['open', RECOVERY_REPOSITORY, 'latest', target], /no key given opens this repository; it needs key/],
      [['open-bundle', RECOVERY_BUNDLE, target], /no key given opens this bundle; it needs key/],
    ] as const) {
      const answers = [
        ...wrong.map((key) => decoder.run(args, { BACKUP_ENCRYPTION_KEY: key })),
        decoder.run(args, { BACKUP_ENCRYPTION_KEY_OLD: many }),
      ];
      for (const { status, stdout, stderr } of answers) {
        assert.deepEqual([status, stdout, stderr], [5, '', answers[0]!.stderr], decoder.name);
        assert.match(stderr, what);
      }
      assert.equal(fs.existsSync(target), false);
    }
    const none = decoder.run(['list', RECOVERY_REPOSITORY]);
    assert.equal(none.status, 5);
    assert.match(none.stderr, /no key was given/);
  }
});

test('a chunk that is not what its id says never comes out; a decoder that does not look is caught', async (t) => {
  const base = await temporaryFolder(t);
  const { address, repository, environment } = await localRepository(base);
  const good = Buffer.alloc(512, 'genuine ');
  await makeBackup(repository, { trees: { files: { 'a.txt': good, 'b.txt': Buffer.from('other') } } });
  // Whoever has the key may forge: encryption holds, and so do name and table. Only the id tells.
  await forgeChunks(repository, (chunk) => (chunk.equals(good) ? Buffer.alloc(512, 'forged! ') : chunk));
  const delivers = (decoder: Decoder): string => {
    const target = join(base, 'out');
    const run = decoder.run(['open', address, 'latest', target], environment);
    if (run.status !== 0) return `refused: ${run.stderr}`;
    const bytes = fs.readFileSync(join(target, 'files/a.txt'));
    fs.rmSync(target, { recursive: true });
    return bytes.equals(good) ? 'right bytes' : 'wrong bytes';
  };
  for (const decoder of decoders()) assert.match(delivers(decoder), /^refused: .*is not what its id says/s);

  const [node, python] = [
    broken(base, NODE_DECODER, 'need(timingSafeEqual(actual, id)', 'need(true'),
    broken(base, PYTHON_DECODER, 'need(hmac.compare_digest(actual, chunk_id)', 'need(True'),
  ];
  assert.equal(delivers(decoderOf('broken', [process.execPath, node])), 'wrong bytes');
  assert.equal(delivers(decoderOf('broken', [ensureCryptography(), python])), 'wrong bytes');
});

test('only what the named signers signed counts', async (t) => {
  const base = await temporaryFolder(t);
  const { address, repository, environment } = await localRepository(base);
  await makeBackup(repository, { streams: { 'db.dump': Buffer.from('dump') } });
  const [own] = (await repository.signers.list()).valid.values();
  const stranger = newSigningKey();
  const signers = (publicKey: string) => {
    const path = join(base, 'signers.json');
    fs.writeFileSync(path, JSON.stringify({ signers: [{ publicKey }] }));
    return ['--signers', path];
  };
  for (const decoder of decoders()) {
    const listed = (more: string[]) => {
      const run = decoder.run(['list', address, '--json', ...more], environment);
      return [run.status, (JSON.parse(run.stdout) as unknown[]).length];
    };
    assert.deepEqual(listed([]), [0, 1]);
    assert.deepEqual(listed(['--fingerprint', own!.fingerprint.toUpperCase()]), [0, 1]);
    assert.deepEqual(listed(['--fingerprint', stranger.fingerprint.toString('hex')]), [4, 0]);
    assert.deepEqual(listed(signers(own!.publicKey)), [0, 1]);
    assert.deepEqual(listed(signers(stranger.publicKey.toString('base64url'))), [4, 0]);
    const bundle = ['open-bundle', RECOVERY_BUNDLE, join(base, 'bundle')];
    const opened = decoder.run([...bundle, ...signers(own!.publicKey)], {
      BACKUP_ENCRYPTION_KEY: readRecovery().keys.second,
    });
    assert.equal(opened.status, 4);
    assert.match(opened.stderr, /is not signed by anybody the recovery kit names/);
    assert.equal(fs.existsSync(join(base, 'bundle')), false);
  }
});

/** Trees as records, and as entries of a bundle. `null` for what may be opened, since it stays inside. */
const TREES: readonly (readonly [name: string, entries: Parameters<typeof commitTree>[1]])[] = [
  ['a path with dots', [root, folder('..'), file('../outside/evil')]],
  ['an absolute path', [root, file('/outside/evil')]],
  ['a file through a symlink', [root, link('a', '../../outside'), file('a/evil')]],
  ['a folder where a symlink is', [root, link('a', '../../outside'), folder('a/evil')]],
  ['a hard link out by dots', [root, hard('z', '../outside/secret')]],
  ['a hard link through a symlink', [root, link('a', '../../outside'), hard('z', 'a/secret')]],
  ['a name twice', [root, file('a'), file('a')]],
  ['a NUL in a name', [root, file('a\0b')]],
  ['an empty component', [root, file('a//b')]],
  ['a lone entry with dots', [file('..')]],
];

const TARS: readonly (readonly [name: string, entries: readonly RawEntry[]])[] = [
  ['a path with dots', [{ name: 't/../../outside/evil', content: Buffer.from('EVIL!') }]],
  ['an absolute path', [{ name: '/outside/evil', content: Buffer.from('EVIL!') }]],
  ['outside of every artifact', [{ name: 'evil', content: Buffer.from('EVIL!') }]],
  [
    'a file through a symlink',
    [
      { name: 't/a', type: '2', link: '../../outside' },
      { name: 't/a/evil', content: Buffer.from('EVIL!') },
    ],
  ],
  [
    'a hard link through a symlink',
    [
      { name: 't/a', type: '2', link: '../../outside' },
      { name: 't/z', type: '1', link: 't/a/secret' },
    ],
  ],
  ['a hard link out by dots', [{ name: 't/z', type: '1', link: '../outside/secret' }]],
  [
    'a name twice',
    [
      { name: 't/a', content: Buffer.from('1') },
      { name: 't/a', content: Buffer.from('2') },
    ],
  ],
  ['a size that lies', [{ name: 't/a', content: Buffer.from('1'), size: 5000 }]],
];

async function refuses(
  t: TestContext,
  prepare: (base: string) => Promise<{ args: string[]; environment: Record<string, string> }>,
): Promise<void> {
  const { base, outside } = await makeSandbox(t);
  const { args, environment } = await prepare(base);
  const before = lookAt(outside);
  for (const decoder of decoders()) {
    const run = decoder.run([...args, join(base, 'out')], environment);
    assert.equal(run.status, 4, `${decoder.name}: ${run.stderr}`);
    assert.deepEqual(lookAt(outside), before, decoder.name);
    assert.equal(fs.existsSync(join(base, 'out')), false);
    assert.deepEqual(
      fs.readdirSync(base).filter((name) => name.startsWith('.')),
      [],
      'nothing is left behind',
    );
  }
}

for (const [name, entries] of TREES) {
  test(`a tree with ${name} stays inside`, (t) =>
    refuses(t, async (base) => {
      const { address, repository, environment } = await localRepository(base);
      const id = await commitTree(repository, entries);
      return { args: ['open', address, id], environment };
    }));
}

for (const [name, entries] of TARS) {
  test(`a bundle with ${name} stays inside`, (t) =>
    refuses(t, async (base) => {
      const path = join(base, 'bundle');
      fs.writeFileSync(path, wrapTar(treeTar(entries)));
      return { args: ['open-bundle', path], environment: {} };
    }));
}

test('a bundle that decompresses to far more than it is stops early', async (t) => {
  const base = await temporaryFolder(t);
  const path = join(base, 'bomb');
  // 300 MB of zeros in some 10 kB.
  fs.writeFileSync(path, wrapTar(treeTar([{ name: 't/zeros', content: Buffer.alloc(300_000_000) }])));
  for (const decoder of decoders()) {
    const run = decoder.run(['open-bundle', path, join(base, 'out')]);
    assert.equal(run.status, 4, run.stderr);
    assert.match(run.stderr, /far more than any backup would/);
    assert.deepEqual(fs.readdirSync(base), ['bomb']);
  }
});
