/** What worker threads load is in the cache of compiled code before the first of them starts. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { runCli } from '../support/run-cli.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const SOURCES = fileURLToPath(new URL('../../src', import.meta.url));
/** Started in a sandbox, where there is no cache. */
const IN_SANDBOX = 'application-runner';

/** Every file of the engine that it starts as a thread or a process. */
function startedScripts(): string[] {
  return globSync('engine/**/*.ts', { cwd: SOURCES }).flatMap((file) => {
    const path = join(SOURCES, file);
    const names = readFileSync(path, 'utf8').matchAll(/scriptBeside\(import\.meta\.url, '([a-z-]+)'/g);
    return [...names].flatMap(([, name]) => (name === IN_SANDBOX ? [] : [join(dirname(path), `${name}.ts`)]));
  });
}

/** Of what a process with this cache loads for these scripts: what is there without its types, and what is not. */
async function lookedUp(
  cache: string,
  scripts: readonly string[],
): Promise<{ hits: string[]; misses: string[] }> {
  const urls = JSON.stringify(scripts.map((script) => pathToFileURL(script).href));
  const program = `await Promise.allSettled(${urls}.map((url) => import(url))); process.exit(0);`;
  const { stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], {
    env: { PATH: process.env.PATH, NODE_COMPILE_CACHE: cache, NODE_DEBUG_NATIVE: 'COMPILE_CACHE' },
    maxBuffer: 64 << 20,
  });
  const looks = [
    ...stderr.matchAll(/reading cache from \S+ for StrippedTypeScript (file:\S+?\.ts)\.\.\.(.*)/g),
  ];
  const urlsOf = (found: boolean) =>
    looks.filter(([, , how]) => how!.includes('success') === found).map(([, url]) => fileURLToPath(url!));
  return { hits: urlsOf(true), misses: urlsOf(false) };
}

test('the first run of a checkout compiles what threads load, and later ones only look whether it changed', async (t) => {
  const folder = await temporaryFolder(t);
  const cache = join(folder, 'cache', 'holdfast');
  const run = async () => {
    const environment = { XDG_CACHE_HOME: join(folder, 'cache') };
    assert.equal((await runCli(['backup', '--help'], { folder, environment })).status, 0);
  };
  const scripts = startedScripts();
  assert.ok(scripts.length > 5, 'scripts are not found');
  const before = await lookedUp(join(folder, 'other'), scripts);
  assert.ok(before.misses.length > scripts.length && before.hits.length === 0, 'the check sees nothing');

  await run();
  const after = await lookedUp(cache, scripts);
  assert.deepEqual(after.misses, []);
  assert.deepEqual(new Set(after.hits), new Set(before.misses));

  const [record] = globSync('*/holdfast-threads-*.json', { cwd: cache }).map((name) => join(cache, name));
  const text = await readFile(record!, 'utf8');
  await writeFile(record!, `${text} `);
  await run();
  assert.equal(await readFile(record!, 'utf8'), `${text} `, 'compiled again although nothing changed');

  const { size, mtimeMs } = await stat(scripts[0]!);
  const changed = text.replace(`"${mtimeMs} ${size}"`, `"${mtimeMs} ${size + 1}"`);
  assert.notEqual(changed, text);
  await writeFile(record!, changed);
  await run();
  assert.equal(await readFile(record!, 'utf8'), text, 'a change was overlooked');
});

test('where no cache can be, the program runs without', async (t) => {
  const folder = await temporaryFolder(t);
  const environment = { XDG_CACHE_HOME: '/dev/null/cache' };
  assert.equal((await runCli(['backup', '--help'], { folder, environment })).status, 0);
});
