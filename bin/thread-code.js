// Of a checkout, Node removes the types of the sources as it loads them, and brings a compiler into each thread that does so: docs/decisions/0009-lean-start.md.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, globSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import module from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const SOURCES = fileURLToPath(new URL('../src/', import.meta.url));
/** What the engine runs beside its main thread, by the names of the files. */
const STARTED = 'engine/**/{thread,*-thread,*-worker,*-program}.ts';
const PROGRAM = fileURLToPath(import.meta.url);

/**
 * Sees to it that the cache of compiled code holds what worker threads load, so that none of them needs a compiler. One short process
 * compiles it all, and is gone before the first thread starts; while no file changes, this only looks at their times. Never throws, and
 * decides nothing but memory: Node compares what it takes from its cache with the source.
 */
export function compileThreadCode() {
  const folder = module.getCompileCacheDir?.();
  if (folder === undefined) return;
  const name = createHash('sha256').update(SOURCES).digest('hex').slice(0, 16);
  const record = join(folder, `holdfast-threads-${name}.json`);
  if (isCompiled(record) || !isWritable(folder)) return;
  // Not with the user's options for Node: a debugger waits for this process, too.
  const { NODE_OPTIONS: _, ...env } = process.env;
  spawnSync(process.execPath, [PROGRAM, record], { env, stdio: 'ignore', windowsHide: true });
}

/** No file that a thread loads has changed since. */
function isCompiled(record) {
  try {
    const states = Object.entries(JSON.parse(readFileSync(record, 'utf8')));
    return states.every(([file, state]) => stateOf(file) === state);
  } catch {
    return false;
  }
}

/** Otherwise every start would compile in vain. */
function isWritable(folder) {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function stateOf(file) {
  const { mtimeMs, size } = statSync(file);
  return `${mtimeMs} ${size}`;
}

/** The process of its own. Its environment names the cache. */
async function compileAll(record) {
  const states = {};
  module.registerHooks({
    load(url, context, next) {
      const file = url.startsWith('file:') ? fileURLToPath(url) : '';
      // Before it is read: what is written meanwhile then counts as a change.
      if (file.startsWith(SOURCES)) states[file] = stateOf(file);
      return next(url, context);
    },
  });
  const urls = globSync(STARTED, { cwd: SOURCES }).map((file) => pathToFileURL(join(SOURCES, file)).href);
  const imports = urls.map((url) => `import ${JSON.stringify(url)};`);
  // A name that nobody exports: all is loaded and compiled, and then nothing of it runs.
  const text = `${imports.join('')}import { nothingOfThatName } from ${JSON.stringify(urls[0])};`;
  await import(`data:text/javascript,${encodeURIComponent(text)}`).catch(() => {});
  module.flushCompileCache();
  writeFileSync(record, JSON.stringify(states));
}

if (process.argv[1] === PROGRAM) await compileAll(process.argv[2]);
