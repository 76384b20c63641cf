import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { NOTICE_KINDS } from '../../src/contracts/notice-events.ts';
import { ERRORS } from '../../src/engine/base/errors.ts';
import { english } from '../../web/src/texts/english.ts';
import { phase, translate, what } from '../../web/src/texts/server/german-words.ts';
import { nextsGerman, problemsGerman } from '../../web/src/texts/server/problems-german.ts';
import { phasesGerman, sentencesGerman } from '../../web/src/texts/server/sentences-german.ts';

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

const gaps = (text: string): readonly string[] => [...text.matchAll(/\{\w+\}/g)].map(([gap]) => gap);

test('every error of the server has German words, and so has what comes next', () => {
  assert.deepEqual(Object.keys(problemsGerman).sort(), Object.keys(ERRORS).sort());
  const nexts = new Set<string>(Object.values(ERRORS).map(({ next }) => next));
  assert.deepEqual(Object.keys(nextsGerman).sort(), [...nexts].sort());
  for (const kind of NOTICE_KINDS) assert.ok(`event.${kind}` in english, kind);
});

test('every sentence with German words is still one of the server, with the same gaps', () => {
  const texts = textsOfServer();
  const strays = Object.keys(sentencesGerman).filter((said) => !texts.has(said.replaceAll(/\{\w+\}/g, '{}')));
  assert.deepEqual(strays, []);
  for (const [said, german] of Object.entries(sentencesGerman)) {
    for (const gap of gaps(german)) assert.ok(gaps(said).includes(gap), `${gap} of ${german}`);
  }
  assert.deepEqual(
    Object.keys(phasesGerman).filter((name) => !texts.has(name)),
    [],
  );
  assert.ok(!texts.has('a sentence that nobody says'), 'the negative control');
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
  assert.equal(of('it was cancelled; nobody knows why'), 'none');
  assert.equal(of('no such thing'), 'none');
  assert.equal(what('key_wrong'), 'kein angegebener Schlüssel öffnet das');
  assert.equal(what('from_a_newer_server'), null);
  assert.equal(phase('commit'), 'Abschließen');
  assert.equal(phase('app.db'), 'app.db');
});
