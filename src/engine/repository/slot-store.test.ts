import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { newId } from '../base/ids.ts';
import { uuidToBytes } from '../crypto/encoding.ts';
import { openSlot, parseSlot, sealSlot } from '../crypto/key-slot.ts';
import { memoryStorage } from '../storage/memory-storage.ts';
import { slotName } from './object-names.ts';
import { describeKeys, encodeSlot, isSlotIntact, readSlots } from './slot-store.ts';

const masterKey = randomBytes(32);
const credential = { kind: 'raw', key: randomBytes(32) } as const;
const repositoryId = uuidToBytes(newId());
const sealed = (epoch: number, label: string) =>
  sealSlot({ credential, masterKey, repositoryId, epoch, label });

test('a stored slot opens as the slot it was, and every changed byte shows to who has the master key', async () => {
  const bytes = encodeSlot(await sealed(1, 'office'), masterKey);
  assert.deepEqual(await openSlot(parseSlot(bytes), credential), masterKey);
  assert.equal(isSlotIntact(bytes, masterKey), true);
  assert.equal(isSlotIntact(bytes, randomBytes(32)), false);
  for (let at = 0; at < bytes.length; at += 1) {
    const changed = Buffer.from(bytes);
    changed[at]! ^= 1;
    assert.equal(isSlotIntact(changed, masterKey), false, `byte ${at}`);
  }
  assert.equal(isSlotIntact(Buffer.concat([bytes, Buffer.from(' ')]), masterKey), false);
});

test('slots come newest epoch first; what is no slot, or lies under another name, is damaged', async () => {
  const storage = memoryStorage();
  const slots = [await sealed(1, ''), await sealed(3, 'new'), await sealed(2, '')];
  for (const slot of slots) await storage.put(slotName(slot.slotId), encodeSlot(slot, masterKey));
  await storage.put(slotName('junk'), Buffer.from('{}'));
  await storage.put(slotName(newId()), encodeSlot(slots[0]!, masterKey));
  const found = await readSlots(storage);
  assert.deepEqual(
    found.slots.map(({ slot }) => slot.epoch),
    [3, 2, 1],
  );
  assert.equal(found.damaged.length, 2);
  assert.equal(describeKeys(found.slots.slice(0, 2)), `${slots[1]!.keyId} (new), ${slots[2]!.keyId}`);
});
