import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { ensureWebBuild } from '../support/web-build.ts';

const FIRST_LOAD_BYTES = 250_000;

/** The scripts that the page names, and whatever those import without being asked. */
function firstLoad(folder: string): string[] {
  const page = readFileSync(join(folder, 'index.html'), 'utf8');
  const found = new Set<string>();
  const add = (name: string) => {
    if (found.has(name)) return;
    found.add(name);
    const text = readFileSync(join(folder, 'assets', name), 'utf8');
    for (const [, imported] of text.matchAll(/(?:from|import)\s*["']\.\/([^"']+\.js)["']/g)) add(imported!);
  };
  for (const [, name] of page.matchAll(/(?:src|href)="\/admin\/assets\/([^"]+\.js)"/g)) add(name!);
  return [...found];
}

/** Of one language: only the one in use is loaded, before anything is drawn. */
const LANGUAGES = /^(english|german)-[\w-]{8}\.js$/;

test('the first load is at most 250 kB of compressed script, and holds no schema of the server', (t) => {
  const folder = ensureWebBuild();
  const names = firstLoad(folder);
  const packed = (name: string) => gzipSync(readFileSync(join(folder, 'assets', name))).length;
  const languages = readdirSync(join(folder, 'assets')).filter((name) => LANGUAGES.test(name));
  assert.equal(languages.length, 2);
  assert.ok(!names.some((name) => LANGUAGES.test(name)), 'no language comes unasked');
  const bytes = names.reduce((sum, name) => sum + packed(name), 0) + Math.max(...languages.map(packed));
  t.diagnostic(`first load: ${bytes} bytes of gzip in ${names.length + 1} scripts`);
  assert.ok(names.length > 0);
  assert.ok(bytes <= FIRST_LOAD_BYTES, `${bytes} bytes`);
  for (const name of readdirSync(join(folder, 'assets')).filter((one) => one.endsWith('.js'))) {
    const text = readFileSync(join(folder, 'assets', name), 'utf8');
    assert.doesNotMatch(text, /ZodType|strictObject|\$ZodError/, `${name} holds zod`);
    assert.doesNotMatch(
      text,
      /https:\/\/(?!(react\.dev|mantine\.dev|tanstack\.com|www\.w3\.org|github\.com|eemeli\.org|yaml\.org))[\w.-]+/,
      `${name} names another host`,
    );
  }
});
