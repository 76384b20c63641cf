import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { readFile, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { extractBundle } from '../../src/engine/bundle/extract-bundle.ts';
import { parseKeyText } from '../../src/engine/crypto/key-text.ts';
import { inParts, readAll } from '../support/bundles.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const FOLDER = join(import.meta.dirname, 'bundle-v1');
const GOLDEN = JSON.parse(readFileSync(join(FOLDER, 'golden.json'), 'utf8'));
const SIGNERS = [Buffer.from(GOLDEN.signer, 'hex')];
const OPENINGS = [
  ['full.tar.zst.enc', [parseKeyText(GOLDEN.key)]],
  ['full.tar.zst.enc', [parseKeyText(GOLDEN.passphrase)]],
  ['full.tar.gz', []],
] as const;

for (const [name, credentials] of OPENINGS) {
  const kind = credentials[0]?.kind ?? 'no key';
  const bytes = readFileSync(join(FOLDER, name));

  test(`${name} opens with ${kind}, signature and all`, async (t) => {
    const folder = join(await temporaryFolder(t), 'to');
    const source = inParts(bytes, 1000);
    const report = await extractBundle({
      ...{ source, credentials, signers: SIGNERS, folder },
      acceptsUnencrypted: true,
    });
    assert.deepEqual(
      [report.signature, report.header.backupId, report.entries],
      ['valid', GOLDEN.backupId, 8],
    );
    assert.equal(await readFile(join(folder, 'db.dump'), 'utf8'), 'PGDMP golden dump\n'.repeat(50));
    assert.equal(await readFile(join(folder, 'uploads/sub/hard'), 'utf8'), 'alpha\n');
    assert.equal(await readlink(join(folder, 'uploads/sub/link')), '../a.txt');
    assert.equal((await stat(join(folder, 'uploads/a.txt'))).mode & 0o777, 0o640);
    const sparse = await readFile(join(folder, 'uploads/sparse'));
    assert.equal(
      sparse.equals(Buffer.alloc(100_000).fill(0x41, 8192, 12_288).fill(0x41, 65_536, 65_546)),
      true,
    );
  });

  test(`${name} read with ${kind} keeps every attribute`, async () => {
    const items = await readAll(inParts(bytes, 1000), { credentials });
    const { bytes: content, ...a } = items.find((item) => item.path.toString() === 'uploads/a.txt')!;
    assert.equal(content!.toString(), 'alpha\n');
    assert.deepEqual(
      [a.uid, a.gid, a.user, a.group, a.inode, a.modifiedAtNs, a.changedAtNs],
      [1000, 1000, 'app', 'app', 42n, 1_700_000_000_123_456_789n, 1_700_000_001_000_000_000n],
    );
    assert.ok(items.some((item) => item.path.equals(Buffer.from('uploads/raw\xff', 'latin1'))));
  });
}
