import assert from 'node:assert/strict';
import { test } from 'node:test';
import { count } from '../../../test/support/counts.ts';
import { seededRandom } from '../../../test/support/seed.ts';
import { codeOf } from '../base/errors.ts';
import { newSigningKey } from '../crypto/signing.ts';
import { canonicalJson } from './canonical-json.ts';
import type { DrillReport } from './drill-report.ts';
import { signEvidence } from './envelope.ts';
import { evidencePage } from './evidence-page.ts';
import { escaped } from './page-text.ts';
import { verifyEvidence } from './verify-evidence.ts';

const ID = '0193a000-0000-7000-8000-000000000001';

const REPORT: DrillReport = {
  ...{ version: 1, kind: 'drill', drillId: ID, program: 'holdfast 0.1.0', host: 'web1', repositoryId: ID },
  ...{ destination: 's3://bucket/folder', plan: 'nightly', tenantId: null, otherBackups: [], result: 'red' },
  backup: { id: ID, type: 'full', startedAt: '2026-11-21T03:00:00.000Z', sizeBytes: 5_242_880 },
  ...{ startedAt: '2026-11-21T04:00:00.000Z', finishedAt: '2026-11-21T04:01:00.000Z' },
  ...{ rtoMs: 42_000, rpoMs: 3_600_000 },
  phases: [
    { name: 'load', durationMs: 40_000 },
    { name: 'index', durationMs: 2000 },
  ],
  checks: [
    { name: 'content of db.dump', kind: 'content', status: 'green', detail: '7 rows', durationMs: 9 },
    // What a hostile database could bring into a page.
    {
      name: '</pre><script>alert(1)</script>',
      kind: 'sql',
      status: 'red',
      detail: '\u202e "&amp;\'\u0007 Ü',
      durationMs: 1,
    },
  ],
  failure: null,
  tables: [{ source: 'main', name: 'public.<b>', rows: 7 }],
  ...{ moreTables: 0, surroundings: ['one'], limits: ['two'] },
  trend: [{ drillId: ID, startedAt: '2026-10-21T04:00:00.000Z', result: 'green', rtoMs: 41_000, rpoMs: 1 }],
};

const KEY = newSigningKey();
const FINGERPRINT = KEY.fingerprint.toString('hex');
const document = signEvidence(REPORT, KEY);
const page = evidencePage(REPORT, document, KEY);
const forms = [Buffer.from(document), Buffer.from(page)];

test('a document and a page verify with nothing else, and say what the drill found', () => {
  for (const [i, bytes] of forms.entries()) {
    const verified = verifyEvidence(bytes, FINGERPRINT);
    assert.equal(verified.form, i === 0 ? 'document' : 'page');
    assert.equal(verified.fingerprint, FINGERPRINT);
    assert.deepEqual(verified.report, REPORT);
    assert.deepEqual(verifyEvidence(bytes, FINGERPRINT.toUpperCase().replace(/..(?=.)/g, '$&:')), verified);
  }
});

const refused = (bytes: Uint8Array, signer: string | null = null) => {
  try {
    verifyEvidence(bytes, signer);
    return false;
  } catch (error) {
    assert.equal(codeOf(error), 'evidence_invalid');
    return true;
  }
};

test('another key, and no change of one byte anywhere, passes', () => {
  const random = seededRandom('evidence bytes');
  const other = newSigningKey();
  for (const bytes of forms) {
    assert.ok(refused(bytes, other.fingerprint.toString('hex')));
    const step = count(Math.ceil(bytes.length / 1500), 1);
    for (let at = 0; at < bytes.length; at += step) {
      const changed = Buffer.from(bytes);
      changed[at]! ^= 1 << random.int(8);
      assert.ok(refused(changed), `byte ${at} of ${bytes.length}: ${bytes.subarray(at - 20, at + 20)}`);
    }
    for (const cut of [0, 1, 20, bytes.length - 1])
      assert.ok(refused(bytes.subarray(0, cut)), `cut at ${cut}`);
    for (const more of [' ', '\n', '}', '<!-- -->'])
      assert.ok(refused(Buffer.concat([bytes, Buffer.from(more)])));
  }
});

test('the same content written another way does not pass', () => {
  const value = JSON.parse(document);
  assert.ok(!refused(Buffer.from(`${canonicalJson(value)}\n`)));
  assert.ok(refused(Buffer.from(`${JSON.stringify(value, null, 1)}\n`)));
  assert.ok(refused(Buffer.from(document.replace('"green"', '"\\u0067reen"'))));
  assert.ok(refused(Buffer.from(document.replace('{"evidence"', '{"evidence":1,"evidence"'))));
});

test('a page around the document of another host does not pass', () => {
  const thief = newSigningKey();
  assert.ok(refused(Buffer.from(evidencePage({ ...REPORT, result: 'green' }, document, thief))));
});

test('nothing of a page is markup that a name brought, and nothing in it is loaded or run', () => {
  const [shown = ''] = page.split('<summary>The signed document');
  assert.doesNotMatch(page, /<script|<b>|javascript:|\son\w+=|https?:|url\(|@import/i);
  assert.doesNotMatch(shown, /<script|<b>|javascript:|\son\w+=|https?:|url\(|@import|\u202e/i);
  assert.match(page, /&lt;\/pre&gt;&lt;script&gt;/);
  assert.match(page, /default-src 'none'/);
  assert.match(page, /prefers-color-scheme:dark/);
  assert.equal(page.match(/<svg /g)?.length, 2);
  assert.equal(escaped('a\u0000\u061c<'), 'a\\u0000\\u061c&lt;');
});

test('canonical JSON sorts keys, leaves nothing between tokens, and refuses what has no one form', () => {
  assert.equal(
    canonicalJson({ b: [1, null, 'ü'], a: { z: true, y: -5 } }),
    '{"a":{"y":-5,"z":true},"b":[1,null,"ü"]}',
  );
  for (const value of [1.5, Number.NaN, 2 ** 60, '\ud800', () => 1, undefined]) {
    assert.throws(() => canonicalJson([value]), { code: 'internal' });
  }
});

test('text that cannot be written is made writable before it is signed', () => {
  const odd = signEvidence({ ...REPORT, host: 'a\ud800b' }, KEY);
  assert.equal(verifyEvidence(Buffer.from(odd), null).report.host, 'a\ufffdb');
});
