/** A folder with a small application and the command line to back it up, for tests that drive the real program. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { TestContext } from 'node:test';
import { errorPayload } from '../../src/contracts/cli-payloads.ts';
import { type CliRun, type CliRunOptions, runCli } from './run-cli.ts';
import { temporaryFolder } from './temporary-folder.ts';

export interface Place {
  readonly folder: string;
  readonly home: string;
  /** Runs holdfast in the folder. */
  readonly holdfast: (args: readonly string[], options?: Partial<CliRunOptions>) => Promise<CliRun>;
}

/** A folder with a small application: `app.db` with 100 rows, `uploads/` with three files. */
export async function place(t: TestContext): Promise<Place> {
  const folder = await temporaryFolder(t);
  const home = join(folder, 'home');
  const database = new DatabaseSync(join(folder, 'app.db'));
  database.exec('create table users (id integer primary key, name text)');
  const insert = database.prepare('insert into users (name) values (?)');
  for (let i = 0; i < 100; i += 1) insert.run(`user ${i}`);
  database.close();
  await mkdir(join(folder, 'uploads', '2026'), { recursive: true });
  await writeFile(join(folder, 'uploads', 'logo.png'), Buffer.alloc(100_000, 7));
  await writeFile(join(folder, 'uploads', '2026', 'Grüße.txt'), 'hello');
  await writeFile(join(folder, 'uploads', '2026', 'empty'), '');
  return {
    folder,
    home,
    holdfast: (args, options = {}) =>
      runCli(args, { folder, ...options, environment: { HOLDFAST_HOME: home, ...options.environment } }),
  };
}

export function succeeded(run: CliRun): CliRun {
  assert.equal(run.status, 0, `exit ${run.status}\n${run.stderr}${run.stdout}`);
  return run;
}

export interface Said {
  readonly code: string;
  readonly message: string;
  readonly next: string;
}

/** Lines of progress and of what is planned, which may stand before a message when standard error is no terminal. */
const BEFORE =
  /^(.+: (done, |[\d.]+%, )?.*\d+(\.\d)? (ms|s|min.*)|restore of backup .*| {2}.+ \(.+\) → .+|warning: .*|safety backup .*|stopping in order.*|repository: .*|key: .*| {12}copy it.*|)$/;

/**
 * What a failed run with --json said, after checking that it is one message with a next step, the same on both streams,
 * that the exit code is right and that none of `secrets` shows.
 */
export function failed(run: CliRun, exitCode: number, code: string, secrets: readonly string[] = []): Said {
  const shown = `exit ${run.status} ${run.signal}\n${run.stderr}${run.stdout}`;
  assert.equal(run.status, exitCode, shown);
  const { error } = errorPayload.parse(JSON.parse(run.stdout));
  assert.equal(error.code, code, shown);
  assert.match(error.message, /^[^\n]{8,}/);
  assert.match(error.next, /^[^\n]{8,}$/);
  const said = `holdfast: ${error.message}\n  next: ${error.next}\n`;
  assert.ok(run.stderr.endsWith(said), shown);
  const before = run.stderr.slice(0, -said.length).split('\n');
  assert.deepEqual(
    before.filter((line) => !BEFORE.test(line)),
    [],
    shown,
  );
  for (const secret of secrets) assert.ok(!shown.includes(secret), `shows a secret: ${shown}`);
  return error;
}

/** Name and SHA-256 of every file below a folder; an unfinished one has a name like any other. */
export async function fingerprint(folder: string): Promise<ReadonlyMap<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const hashes = files.sort().map(async (file): Promise<[string, string]> => {
    const hash = createHash('sha256').update(await readFile(file));
    return [file.slice(folder.length + 1), hash.digest('hex')];
  });
  return new Map(await Promise.all(hashes));
}
