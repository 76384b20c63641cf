/** A backup over the network, killed on its way, and the next one: what is there is not sent again. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { CountingProxy } from './counting-proxy.ts';
import { runCli } from './run-cli.ts';
import { randomFrom } from './seed.ts';

const MIB = 2 ** 20;
const DATA_BYTES = 80 * MIB;
const KILLED_AT_BYTES = 56 * MIB;
/** Of the control. */
const OTHER_BYTES = 8 * MIB;
/** Packs that were on their way when the process was killed are lost. */
const UNDER_WAY_BYTES = 40 * MIB;

export async function interruptedUpload(
  t: TestContext,
  {
    folder,
    environment,
    proxy,
  }: { folder: string; environment: Record<string, string>; proxy: CountingProxy },
): Promise<void> {
  // Random bytes do not compress: what is sent can be compared with what is read.
  writeFileSync(join(folder, 'data'), randomFrom(5).bytes(DATA_BYTES));
  const run = async (...args: string[]) => {
    proxy.reset();
    const done = await runCli([...args, '--json'], { folder, environment });
    assert.equal(done.status, 0, done.stderr);
    return { sent: proxy.sent(), json: JSON.parse(done.stdout) as { backupId: string; status: string } };
  };
  await run('init');
  proxy.reset();
  const killed = await runCli(['backup', 'data'], {
    folder,
    environment,
    onStart: (child) => void proxy.after(KILLED_AT_BYTES).then(() => child.kill('SIGKILL')),
  });
  assert.equal(killed.signal, 'SIGKILL');
  const before = proxy.sent();
  t.diagnostic(`killed after ${before}`);
  assert.deepEqual((await run('list')).json, []);
  const resumed = await run('backup', 'data');
  assert.equal(resumed.json.status, 'succeeded');
  t.diagnostic(`sent ${before} bytes until it was killed, ${resumed.sent} of ${DATA_BYTES} afterwards`);
  assert.ok(resumed.sent > DATA_BYTES - before - MIB, 'what was not there was sent');
  assert.ok(resumed.sent < DATA_BYTES - before + UNDER_WAY_BYTES, `${resumed.sent} bytes were sent again`);
  await run('verify');
  const again = await run('backup', 'data');
  assert.ok(again.sent < 2 * MIB, `${again.sent} bytes were sent for nothing new`);
  // The control: what is not there goes out, all of it.
  writeFileSync(join(folder, 'other'), randomFrom(6).bytes(OTHER_BYTES));
  assert.ok((await run('backup', 'other')).sent > OTHER_BYTES, 'the proxy sees what is sent');
}
