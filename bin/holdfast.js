#!/usr/bin/env node
// Entry point. Runs on any Node that can parse it, answers --version at once, and hands over to Node 24.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import module, { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = new URL('..', import.meta.url);
const args = process.argv.slice(2);
const NEEDED_MAJOR = 24;
/** These hold few things for long: collecting garbage more often would cost them time and spare no memory. */
const READERS = ['restore', 'verify', 'bundle', 'show'];
const LEAN_FLAGS = [
  '--max-semi-space-size=4',
  ...(args.some((arg) => READERS.includes(arg)) ? [] : ['--max-old-space-size=1024']),
];

if (args.length === 1 && (args[0] === '--version' || args[0] === '-V')) {
  const { version } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'));
  process.stdout.write(`${version}\n`);
} else if (Number(process.versions.node.split('.')[0]) >= NEEDED_MAJOR) {
  startAgainLean();
  keepCompiledCode();
  findFilesFast();
  const built = new URL('dist/cli/main.js', root);
  const source = new URL('src/cli/main.ts', root);
  const isCheckout = existsSync(source);
  if (isCheckout) (await import('./thread-code.js')).compileThreadCode();
  const { main } = await import(isCheckout ? source.href : built.href);
  process.exitCode = await main(args);
} else {
  runWithBundledNode();
}

/**
 * Puts a process with small heaps in the place of this one, where the system can (`process.execve`, Node 24 on POSIX). What a backup
 * allocates is short-lived; left alone, V8 and malloc let it pile up in every thread, and only flags of the start keep them from
 * it: docs/decisions/0009-lean-start.md.
 */
function startAgainLean() {
  if (process.execArgv.includes(LEAN_FLAGS[0]) || !process.execve || process.platform === 'win32') return;
  const node = process.execPath;
  const command = [node, ...process.execArgv, ...LEAN_FLAGS, fileURLToPath(import.meta.url), ...args];
  process.execve(node, command, leanEnvironment());
}

function leanEnvironment() {
  return { MALLOC_ARENA_MAX: '2', ...process.env };
}

/** Halves the time of a start. The folder is the user's own: nobody else can put code there. Does nothing where it cannot be written. */
function keepCompiledCode() {
  const cache = process.env.XDG_CACHE_HOME?.startsWith('/')
    ? process.env.XDG_CACHE_HOME
    : join(homedir(), '.cache');
  const folder = join(cache, 'holdfast');
  module.enableCompileCache?.(folder);
  // For worker threads and the processes that compile for them.
  process.env.NODE_COMPILE_CACHE ??= folder;
}

/**
 * Our own files name each other by relative paths that are complete: Node need not ask the file system for each of several hundred what it
 * is and which package it is in, which takes as long as loading them. And of the 60 languages that zod's messages come in, none is used.
 */
function findFilesFast() {
  const own = [new URL('src/', root).href, new URL('dist/', root).href];
  module.registerHooks?.({
    resolve(specifier, context, next) {
      const { parentURL = '' } = context;
      if (!specifier.startsWith('.')) return next(specifier, context);
      if (specifier === '../locales/index.js' && parentURL.includes('/node_modules/zod/'))
        return { url: 'data:text/javascript,', format: 'module', shortCircuit: true };
      if (!own.some((folder) => parentURL.startsWith(folder))) return next(specifier, context);
      const format = specifier.endsWith('.ts') ? 'module-typescript' : 'module';
      return { url: new URL(specifier, parentURL).href, format, shortCircuit: true };
    },
  });
}

/** Re-executes this file with the Node of the `node` package, or says in one line what is missing. */
function runWithBundledNode() {
  let nodePath;
  try {
    nodePath = createRequire(import.meta.url).resolve('node/bin/node');
  } catch {
    process.stderr.write(
      `holdfast: needs Node ${NEEDED_MAJOR} or newer, this is ${process.versions.node}; run npm install, or install Node ${NEEDED_MAJOR}\n`,
    );
    process.exit(1);
  }
  const command = [...LEAN_FLAGS, fileURLToPath(import.meta.url), ...args];
  const child = spawn(nodePath, command, { stdio: 'inherit', env: leanEnvironment() });
  // Ctrl-C reaches the whole group, `kill` only this process: the child takes two of the same press for one.
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    process.stderr.write(`holdfast: ${nodePath} does not start: ${error.message}; run npm install again\n`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    for (const name of signals) process.removeAllListeners(name);
    process.kill(process.pid, signal);
  });
}
