import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { decoders } from '../../../test/support/decoders.ts';
import { temporaryFolder } from '../../../test/support/temporary-folder.ts';
import { codeOf } from '../base/errors.ts';
import { type Credential, keyText, parseKeyText } from '../crypto/key-text.ts';
import { inLines, printedKey } from './kit-printed-key.ts';

const RAW: Credential = { kind: 'raw', key: randomBytes(32) };
const PASSPHRASE: Credential = { kind: 'passphrase', passphrase: ' Grüße an 日本, #1 ' };
const CHEAP = { n: 16, r: 1, p: 1 };
const file = (printed: string) => `# a remark\n#   another\n\n${inLines(printed).join('\n')}\n`;

test('what is printed in lines, with remarks, is read as the key it was', async () => {
  assert.equal(await printedKey(RAW, null), keyText(RAW.kind === 'raw' ? RAW.key : Buffer.alloc(0)));
  for (const credential of [RAW, PASSPHRASE]) {
    const printed = await printedKey(credential, null);
    assert.deepEqual(parseKeyText(printed), credential);
    assert.deepEqual(parseKeyText(file(printed)), credential);
    assert.deepEqual(parseKeyText(printed.toLowerCase().replaceAll('-', ' ')), credential);
  }
});

test('every mistyped character of a printed passphrase is noticed', async () => {
  const printed = await printedKey(PASSPHRASE, null);
  for (let i = 5; i < printed.length; i += 1) {
    if (printed[i] === '-') continue;
    const typed = printed.slice(0, i) + (printed[i] === 'A' ? 'B' : 'A') + printed.slice(i + 1);
    assert.throws(
      () => parseKeyText(typed),
      (error) => codeOf(error) === 'key_malformed',
    );
  }
});

test('a passphrase that begins with a remark of its own is left as it is', () => {
  const passphrase = '#1 of my\n#secrets';
  assert.deepEqual(parseKeyText(passphrase), { kind: 'passphrase', passphrase });
});

test('a wrapped key is refused by name, and a passphrase is not wrapped under another', async () => {
  const wrapped = await printedKey(RAW, 'kit passphrase', CHEAP);
  assert.throws(
    () => parseKeyText(wrapped),
    (error) => codeOf(error) === 'key_malformed',
  );
  await assert.rejects(printedKey(PASSPHRASE, 'kit passphrase', CHEAP), (error) => codeOf(error) === 'usage');
});

test('both decoders read every printed form, and only with the right passphrase of the kit', async (t) => {
  const folder = await temporaryFolder(t);
  const texts = {
    raw: file(await printedKey(RAW, null)),
    passphrase: file(await printedKey(PASSPHRASE, null)),
    wrapped: file(await printedKey(RAW, 'the passphrase of the kit', CHEAP)),
  };
  for (const [name, text] of Object.entries(texts)) await writeFile(join(folder, name), text);
  const expected = { raw: keyText(RAW.key), passphrase: PASSPHRASE.passphrase, wrapped: keyText(RAW.key) };
  const environment = { HOLDFAST_KIT_PASSPHRASE: 'the passphrase of the kit' };
  for (const decoder of decoders()) {
    for (const name of ['raw', 'passphrase', 'wrapped'] as const) {
      const run = decoder.run(['key', '--key-file', join(folder, name)], environment);
      assert.equal(run.stdout, `${expected[name]}\n`, `${decoder.name} ${name}: ${run.stderr}`);
    }
    const key = ['key', '--key-file', join(folder, 'wrapped')];
    const wrong = decoder.run(key, { HOLDFAST_KIT_PASSPHRASE: 'the passphrase of the cat' });
    assert.deepEqual([wrong.status, wrong.stdout], [5, '']);
    assert.match(wrong.stderr, /the passphrase does not open the printed key/);
    assert.match(decoder.run(key).stderr, /give --kit-passphrase-file or HOLDFAST_KIT_PASSPHRASE/);
  }
});
