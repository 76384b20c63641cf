import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ensureCryptography } from '../../../test/support/decoders.ts';
import { temporaryFolder } from '../../../test/support/temporary-folder.ts';
import { zipArchive } from './kit-zip.ts';

const READ = `
import json, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as archive:
    assert archive.testzip() is None
    print(json.dumps([[i.filename, i.external_attr >> 16, list(i.date_time), archive.read(i).hex()] for i in archive.infolist()]))
`;

test('a zip is read by another program as it was written: names, modes, times, bytes', async (t) => {
  const files = [
    { name: 'kit/RECOVERY.md', bytes: Buffer.from('# Recovery\n'.repeat(1000)), mode: 0o600 },
    { name: 'kit/heads/a/config', bytes: Buffer.alloc(0), mode: 0o600 },
    { name: 'kit/noise', bytes: randomBytes(5000), mode: 0o644 },
  ];
  const file = join(await temporaryFolder(t), 'kit.zip');
  writeFileSync(file, zipArchive(files, Date.parse('2026-11-21T23:58:58.000Z')));
  const read = JSON.parse(execFileSync(ensureCryptography(), ['-c', READ, file], { encoding: 'utf8' }));
  assert.deepEqual(
    read,
    files.map(({ name, bytes, mode }) => [
      name,
      0o100000 | mode,
      [2026, 11, 21, 23, 58, 58],
      bytes.toString('hex'),
    ]),
  );
});
