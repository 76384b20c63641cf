import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KitFacts } from './kit-facts.ts';
import { fetchCommands } from './kit-fetch.ts';
import { instructions, type KitText } from './kit-instructions.ts';

const SIGNER = {
  ...{ version: 1 as const, fingerprint: 'ab'.repeat(32), publicKey: 'x', host: 'web-1' },
  ...{ createdAt: '2026-01-02T03:04:05.678Z', retiredAt: null },
};

const FOLDER: KitFacts = {
  ...{
    name: 'disk',
    address: '/mnt/my backups',
    layout: 'repository',
    encryption: 'aes-256-gcm',
    fetched: 'fetched-1',
    opened: 'opened-1',
  },
  repository: {
    id: '019b8c18-e380-7f77-86f0-2a31281ee875',
    createdAt: '2026-01-02T03:04:05.678Z',
    epoch: 2,
    slots: [
      {
        ...{ slotId: '019b8c18-e380-7f77-86f0-2a31281ee876', keyId: '3f2a91c04d5e6f70', epoch: 2 },
        ...{ label: 'safe | `rm`', createdAt: '2026-03-04T00:00:00.000Z', kind: 'raw' },
        ...{ current: true, intact: true },
      },
    ],
  },
  ...{ signers: [SIGNER], newest: [], backups: 1, fetch: [], credentials: [], head: [] },
};

const ADDRESS = 's3://vault/app?region=eu-central-1';
const BUCKET: KitFacts = {
  ...{
    name: 'cloud',
    address: ADDRESS,
    layout: 'bundles',
    encryption: 'aes-256-gcm',
    fetched: 'fetched-2',
    opened: 'opened-2',
  },
  ...{ repository: null, signers: [SIGNER], newest: [], backups: 12, credentials: [], head: [] },
  fetch: fetchCommands(ADDRESS, {}, 'fetched-2'),
};

const KIT: KitText = {
  ...{ madeAt: '2026-11-21T11:00:00.000Z', program: 'holdfast 0.1.0', host: 'web-1' },
  ...{ keyFiles: [], isWrapped: false, configuration: null, destinations: [FOLDER, BUCKET] },
};

test('every destination has its own folders, ids and commands', () => {
  const page = instructions(KIT);
  for (const line of [
    `decode open '/mnt/my backups' latest ./opened-1 --signers signers.json`,
    'aws s3 sync s3://vault/app fetched-2 --region eu-central-1',
    'decode open ./fetched-2 latest ./opened-2 --signers signers.json',
    'epoch 2, 1 backup when this was written',
    '12 backups when this was written',
    '`3f2a91c04d5e6f70`',
    'ab'.repeat(32),
    '--s3-version-at',
  ]) {
    assert.ok(page.includes(line), line);
  }
});

test('names that people gave are text and no markup', () => {
  assert.ok(instructions(KIT).includes('| safe    rm  | key (`hfk1-…`) | everything | 2026-03-04 |'));
});

test('a repository that only a key management service opens is called out', () => {
  const slots = FOLDER.repository!.slots.map((slot) => ({ ...slot, kind: 'kms' as const }));
  const locked = { ...FOLDER, repository: { ...FOLDER.repository!, slots } };
  const warning = /Only a key management service opens this repository: the decoders cannot/;
  assert.match(instructions({ ...KIT, destinations: [locked] }), warning);
  const both = {
    ...locked,
    repository: { ...locked.repository, slots: [...slots, ...FOLDER.repository!.slots] },
  };
  assert.doesNotMatch(instructions({ ...KIT, destinations: [both] }), warning);
});

test('the first thing a page says is whether it opens everything', () => {
  const opening = (more: Partial<KitText>) => instructions({ ...KIT, ...more }).split('\n')[5]!;
  assert.match(opening({}), /^\*\*This kit holds no key\.\*\*/);
  assert.match(opening({ keyFiles: ['KEY.txt'] }), /^\*\*THIS KIT HOLDS THE KEY\*\* \(`KEY\.txt`\)/);
  assert.match(
    opening({ keyFiles: ['KEY.txt'], isWrapped: true }),
    /^\*\*This kit holds the key\*\*.*wrapped/,
  );
});
