import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KitPayload } from '../../contracts/kit-payload.ts';
import { renderKit } from './kit.ts';

const KIT: KitPayload = {
  folder: '/safe/kit',
  zipFile: null,
  files: ['RECOVERY.md'],
  key: 'none',
  destinations: [
    {
      address: '/var/backups',
      repositoryId: '019b8c18-e380-7f77-86f0-2a31281ee875',
      keyIds: ['3f2a91c04d5e6f70', 'cddcf2d1e88c4fa6'],
      fingerprints: ['ab'],
      backups: 12,
    },
    { address: 's3://vault', repositoryId: null, keyIds: [], fingerprints: ['ab', 'cd'], backups: 1 },
  ],
};

test('a kit is shown with what it opens, and with what to do about its key', () => {
  assert.equal(
    renderKit(KIT),
    `/var/backups: 12 backups, key 3f2a91c04d5e6f70 or cddcf2d1e88c4fa6, 1 signer
s3://vault: 1 backup, 2 signers
recovery kit in /safe/kit
it holds no key: keep the key apart from it, and both away from this machine
`,
  );
  const withZip = renderKit({ ...KIT, zipFile: '/safe/kit.zip', key: 'wrapped', destinations: [] });
  assert.match(
    withZip,
    /^recovery kit in \/safe\/kit\nthe same in \/safe\/kit\.zip\nIT HOLDS THE KEY, wrapped/,
  );
  assert.match(renderKit({ ...KIT, key: 'plain' }), /IT HOLDS THE KEY: whoever has it/);
});
