import assert from 'node:assert/strict';
import { createHmac, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { retryMs } from './deliver.ts';
import { signatureOf, verifySignature } from './signature.ts';

const SECRET = 'a secret of many characters';
const BODY = '{"event":"test"}';
const AT_MS = 1_700_000_000_123;

test('a signature is made as the manual says', () => {
  const expected = createHmac('sha256', SECRET).update(`1700000000.${BODY}`).digest('hex');
  assert.equal(signatureOf(SECRET, BODY, AT_MS), `t=1700000000,v1=${expected}`);
});

test('the receiver in the manual accepts what is sent, and nothing else', () => {
  const manual = readFileSync(new URL('../../../docs/operations.md', import.meta.url), 'utf8');
  const code = manual.match(/```js\n(const \[, t, v1\][\s\S]*?)```/)![1]!;
  const receive = new Function(
    ...['request', 'secret', 'body', 'createHmac', 'timingSafeEqual'],
    `${code}; return isGood;`,
  ) as (request: object, secret: string, body: string, ...parts: unknown[]) => boolean;
  const isGood = (header: string, secret: string, body: string) =>
    receive({ headers: { 'holdfast-signature': header } }, secret, body, createHmac, timingSafeEqual);
  const header = signatureOf(SECRET, BODY, Date.now());
  assert.equal(isGood(header, SECRET, BODY), true);
  assert.equal(isGood(header, 'another secret of many characters', BODY), false);
  assert.equal(isGood(header, SECRET, `${BODY} `), false);
  assert.equal(isGood(signatureOf(SECRET, BODY, Date.now() - 400_000), SECRET, BODY), false);
});

test('a header of any form is read without harm; one signature that fits is enough', () => {
  const good = signatureOf(SECRET, BODY, AT_MS);
  const [t, v1] = good.split(',') as [string, string];
  const verify = (header: string) => verifySignature(SECRET, header, BODY, AT_MS);
  for (const header of [good, `${v1}, ${t}`, `${t},v1=${'0'.repeat(64)},${v1}`, `${good},v9=later`]) {
    assert.equal(verify(header), true, header);
  }
  for (const header of [
    '',
    't=',
    t,
    v1,
    `t=x,${v1}`,
    `${t},v1=`,
    `${t},v1=zz`,
    `${t},v0=${v1.slice(3)}`,
    `${t},${v1.slice(0, -2)}`,
  ]) {
    assert.equal(verify(header), false, header);
  }
});

test('waits grow, are spread by a fifth, and heed the receiver up to an hour', () => {
  assert.deepEqual([retryMs(1, null, () => 0), retryMs(1, null, () => 0.5)], [8000, 10_000]);
  assert.equal(
    retryMs(8, null, () => 0.5),
    43_200_000,
  );
  assert.equal(
    retryMs(1, 120, () => 0.5),
    120_000,
  );
  assert.equal(
    retryMs(1, 999_999, () => 0.5),
    3_600_000,
  );
});
