import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { uuidToBytes } from '../../src/engine/crypto/encoding.ts';
import { openSlot, parseSlot } from '../../src/engine/crypto/key-slot.ts';
import { parseKeyText } from '../../src/engine/crypto/key-text.ts';
import { parseKeyring } from '../../src/engine/crypto/keyring.ts';
import { type ObjectType, openHeader } from '../../src/engine/crypto/object-header.ts';
import { packOpener } from '../../src/engine/crypto/pack-cipher.ts';
import { deriveRepositoryKeys } from '../../src/engine/crypto/repository-keys.ts';
import { openObject } from '../../src/engine/crypto/sealed-object.ts';

const read = (name: string) => readFileSync(join(import.meta.dirname, 'crypto-v1', name));
const GOLDEN = JSON.parse(read('golden.json').toString());
const hex = (text: string) => Buffer.from(text, 'hex');
const MASTER_KEY = hex(GOLDEN.masterKey);
const REPOSITORY_ID = uuidToBytes(GOLDEN.repositoryId);

const open = (name: string, type: ObjectType) =>
  openObject({ bytes: read(name), type, repositoryId: REPOSITORY_ID, masterKeyOf: () => MASTER_KEY });

test('the slots open with their credentials', async () => {
  assert.deepEqual(await openSlot(parseSlot(read('slot-raw.json')), parseKeyText(GOLDEN.key)), MASTER_KEY);
  const slot = parseSlot(read('slot-passphrase.json'));
  assert.deepEqual(await openSlot(slot, parseKeyText(GOLDEN.passphrase)), MASTER_KEY);
  assert.equal(await openSlot(slot, parseKeyText(GOLDEN.key)), null);
});

test('the keyring opens and gives every key', () => {
  const keyring = parseKeyring(open('keyring', 'keyring').payload);
  const keys = deriveRepositoryKeys({ keyring, masterKey: MASTER_KEY, writable: true });
  assert.deepEqual(keys.epochs, [1, 2]);
  assert.deepEqual(keys.masterKey(1), hex(GOLDEN.oldMasterKey));
  assert.deepEqual(keyring.secret, hex(GOLDEN.secret));
  assert.equal(keys.chunking.file.maxBytes, 131_072);
});

test('a sealed object opens', () => {
  const { payload, epoch } = open('hold', 'hold');
  assert.deepEqual([JSON.parse(payload.toString()).reason, epoch], ['golden', 2]);
});

test('blocks and table of a pack open', () => {
  const header = hex(GOLDEN.pack.header);
  const opener = packOpener({ header, key: openHeader(header, MASTER_KEY, 'pack', REPOSITORY_ID) });
  const blocks = GOLDEN.pack.blocks.map((block: string, i: number) =>
    opener.openBlock(i, hex(block)).toString(),
  );
  assert.deepEqual(blocks, ['\0first block', '\0second block']);
  assert.equal(opener.openTable(hex(GOLDEN.pack.table)).toString(), 'table');
});
