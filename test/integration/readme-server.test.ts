/** What the README says of the server, as it is written there. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort } from '../support/free-port.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { untilTrue } from '../support/until-true.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const run = promisify(execFile);

/** The lines below "The same without a browser". */
async function readmeLines(): Promise<string> {
  const readme = await readFile(join(ROOT, 'README.md'), 'utf8');
  const block = /The same without a browser:\n\n```sh\n([^`]+)```/.exec(readme);
  assert.ok(block, 'the README shows how to use the server without a browser');
  return block[1]!;
}

test('npm start and the lines of the README: owner, plan and a first backup', async (t) => {
  const folder = await temporaryFolder(t);
  const database = new DatabaseSync(join(folder, 'app.db'));
  database.exec('create table t (a); insert into t values (1)');
  database.close();
  const port = await freePort();
  const environment = { PATH: process.env.PATH, HOME: folder, HOLDFAST_HOME: join(folder, 'home') };
  const begunMs = performance.now();
  const server = spawn('npm', ['start', '--', '--port', String(port)], {
    ...{ cwd: ROOT, env: environment, stdio: ['ignore', 'pipe', 'pipe'], detached: true },
  });
  t.after(async () => {
    if (server.exitCode !== null) return;
    process.kill(-server.pid!, 'SIGTERM');
    await once(server, 'close');
  });
  let said = '';
  for (const stream of [server.stdout, server.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  }
  await untilTrue(async () => /serves http/.test(said));
  const readyMs = performance.now() - begunMs;
  const token = await untilTrue(async () => /hfsetup_[\w-]+/.exec(said)?.[0]);

  const lines = (await readmeLines())
    .replaceAll('localhost:4180', `localhost:${port}`)
    .replaceAll('/var/backups/holdfast', join(folder, 'backups'))
    .replaceAll('/srv/app/app.db', join(folder, 'app.db'))
    .replace('hfsetup_…', token)
    .split('\n')
    .filter((line) => line !== '');
  const asked = lines.findIndex((line) => line.includes('/run '));
  const ask = (some: readonly string[]) =>
    run('bash', ['-c', ['set -e', ...some].join('\n')], { cwd: folder, env: environment });
  const [first] = lines as [string];
  assert.match(first, /^api\(\)/);
  const { stdout } = await ask(lines.slice(0, asked + 1));
  const job = /"job_id":"([^"]+)"/.exec(stdout)?.[1];
  assert.match(stdout, /"outcome":"accepted"/, stdout);
  const rest = lines.slice(asked + 1).map((line) => line.replace('JOB_ID', job!));
  const { stdout: after } = await ask([first, ...rest]);
  t.diagnostic(
    `npm start answered after ${Math.round(readyMs)} ms, the first backup was there after ${Math.round(performance.now() - begunMs)} ms`,
  );
  assert.match(after, /event: status\ndata: .*"succeeded"/);
  const { items } = JSON.parse(after.trim().split('\n').at(-1)!);
  assert.deepEqual([items.length, items[0].plan, items[0].status], [1, 'nightly', 'succeeded']);
});
