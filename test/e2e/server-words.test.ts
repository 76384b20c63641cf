import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { z } from 'zod';
import { parseConfig } from '../../src/contracts/config-file.ts';
import { problemsOfIssue } from '../../src/contracts/issue-problems.ts';
import { NOTICE_KINDS } from '../../src/contracts/notice-events.ts';
import { ERRORS } from '../../src/engine/base/errors.ts';
import { english } from '../../web/src/texts/english.ts';
import { phase, translate, what } from '../../web/src/texts/server/german-words.ts';
import { nextsGerman, problemsGerman } from '../../web/src/texts/server/problems-german.ts';
import { refusalsGerman } from '../../web/src/texts/server/refusals-german.ts';
import { phasesGerman, sentencesGerman } from '../../web/src/texts/server/sentences-german.ts';
import { boundsGerman, validationGerman } from '../../web/src/texts/server/validation-german.ts';

const SOURCES = resolve(import.meta.dirname, '../../src');

/** Every text of the server's sources, its gaps as `{}`. */
function textsOfServer(): ReadonlySet<string> {
  const found = new Set<string>();
  for (const file of globSync('**/*.ts', { cwd: SOURCES })) {
    if (file.endsWith('.test.ts')) continue;
    const source = readFileSync(resolve(SOURCES, file), 'utf8').replaceAll(/^\s*(\/\/|\/?\*).*$/gm, '');
    const literal = /'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`/g;
    for (const [, single, double, template] of source.matchAll(literal))
      found.add(
        (single ?? double ?? template!.replaceAll(/\$\{(?:[^{}]|\{[^{}]*\})*\}/g, '{}')).replaceAll('\\', ''),
      );
  }
  return found;
}

/** Each with something that people get wrong. */
const WRONG = [
  'sources: { app: { kind: sqlit } }',
  'sources: { app: { kind: postgres }, "d d": { kind: files } }',
  'sources: { app: { kind: files, paths: [], exclude: 3 }, b: [] }',
  'destinations: []',
  'destinations: { main: { address: "", minimumFreeBytes: -1 } }',
  'plans: { p: { sources: [], destination: main, type: dbb, retention: { days: 0, daily: 1.5 } } }',
  'plans: { p: { sources: [app], destinations: [], enabled: 1 } }',
  'sources: { a: { kind: sqlite, path: a, tableRetention: { t: { column: a, maxRows: 1, pauseMs: 999999 } } } }',
  'sources: { a: { kind: sqlite, path: a, tableRetention: { t: { column: 5 } } } }',
  'sources: { a: { kind: postgres, url: "postgres://a:b@c/d" } }',
  'settings: { retention.dayz: 1, retention.days: 0, runs.limit: 1.5, schedule.enabled: x, schedule.cron: "" }',
  'tenants: { a b: {}, c: { name: 5, archived: 1, sources: app, settings: { runs.limit: 1 } }, d: 1 }',
  'sources: { a: { kind: sqlite, path: a } }\ntenants: { c: { sources: [a, b], channels: [x] }, d: { sources: [a] } }',
  'destinations: { main: 5, b: { address: /b, limits: { uploadMiBPerSecond: fast } } }',
];

/** Bounds that requests have, and the file does not. */
const OUT_OF_BOUNDS: readonly (readonly [z.ZodType, unknown])[] = [
  [z.number().gt(0), 0],
  [z.number().lt(1), 1],
  [z.string().min(2), ''],
  [z.string().max(1), 'ab'],
  [z.string().length(2), ''],
  [z.array(z.int()).min(2), []],
  [z.array(z.int()).max(1), [1, 2]],
  [z.iso.datetime(), ''],
  [z.string().regex(/a/), ''],
  [z.strictObject({}), { a: 1 }],
];

const gaps = (text: string): readonly string[] => [...text.matchAll(/\{\w+\}/g)].map(([gap]) => gap);

test('every error of the server has German words, and so has what comes next', () => {
  assert.deepEqual(Object.keys(problemsGerman).sort(), Object.keys(ERRORS).sort());
  const nexts = new Set<string>(Object.values(ERRORS).map(({ next }) => next));
  assert.deepEqual(Object.keys(nextsGerman).sort(), [...nexts].sort());
  for (const kind of NOTICE_KINDS) assert.ok(`event.${kind}` in english, kind);
});

test('every sentence with German words is still one of the server, with the same gaps', () => {
  const texts = textsOfServer();
  const known = { ...sentencesGerman, ...refusalsGerman, ...validationGerman, ...phasesGerman };
  const strays = Object.keys(known).filter((said) => !texts.has(said.replaceAll(/\{\w+\}/g, '{}')));
  assert.deepEqual(strays, []);
  for (const [said, german] of Object.entries(known)) {
    for (const gap of gaps(german)) assert.ok(gaps(said).includes(gap), `${gap} of ${german}`);
  }
  assert.ok(!texts.has('a sentence that nobody says'), 'the negative control');
});

test('whatever is wrong with a configuration is said in German', () => {
  const said = new Set<string>();
  for (const text of WRONG) {
    const read = parseConfig(text);
    assert.ok('problems' in read, text);
    for (const { message } of read.problems) said.add(message);
  }
  for (const [schema, value] of OUT_OF_BOUNDS) {
    const [issue] = schema.safeParse(value).error?.issues ?? [];
    for (const { message } of problemsOfIssue(issue!, value, () => [])) said.add(message);
  }
  assert.deepEqual(
    [...said].filter((message) => translate(message) === null),
    [],
  );
  const unsaid = Object.keys(boundsGerman).filter((pattern) => {
    const [begin = '', end = ''] = pattern.split(/\{.*\}/);
    return ![...said].some((message) => message.startsWith(begin) && message.endsWith(end));
  });
  assert.deepEqual(unsaid, [], 'of those that the server puts together, it says each');
});

test('sentences are found with their gaps filled, within each other and one after the other; others stay', () => {
  const of = (text: string) => translate(text) ?? 'none';
  assert.equal(
    of('the last good backup is 30.5 hours old, 25 are allowed'),
    'die letzte gute Sicherung ist 30,5 Stunden alt, 25 sind erlaubt',
  );
  assert.equal(of('main: the server refuses to overwrite'), 'main: der Server weigert sich zu überschreiben');
  assert.equal(
    of('nothing was restored: no safety backup of the target could be made: /a does not exist'),
    'nichts wurde wiederhergestellt: vom Ort ließ sich keine Sicherheits-Sicherung machen: /a gibt es nicht',
  );
  assert.equal(of('it was cancelled; there is no plan x'), 'er wurde abgebrochen; es gibt keinen Plan x');
  assert.equal(of('/mnt/a writes, reads back and lists'), '/mnt/a schreibt, liest zurück und listet auf');
  assert.equal(
    of('3 rows in 1 table, every byte equal, integrity check passed'),
    '3 Zeilen in 1 Tabelle, jedes Byte gleich, Integritätsprüfung bestanden',
  );
  assert.equal(
    of('plan.p.retention.days: must be at most 100000'),
    'plan.p.retention.days: darf höchstens 100.000 sein',
  );
  assert.equal(
    of('id: is missing; name: must have at most 200 characters; scopes: must have at least 2 entries'),
    'id: fehlt; name: darf höchstens 200 Zeichen haben; scopes: muss mindestens 2 Einträge haben',
  );
  assert.equal(of('must be db or storage or full'), 'muss db oder storage oder full sein');
  assert.equal(of('it was cancelled; nobody knows why'), 'none');
  assert.equal(of('no such thing'), 'none');
  assert.equal(what('key_wrong'), 'kein angegebener Schlüssel öffnet das');
  assert.equal(what('from_a_newer_server'), null);
  assert.equal(phase('commit'), 'Abschließen');
  assert.equal(phase('content of app.db'), 'Inhalt von app.db');
  assert.equal(phase('app.db'), 'app.db');
});
