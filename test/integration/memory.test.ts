/** Reliability 4: memory stays below 300 MiB, whatever the size of a file, the number of files, or what a sparse file claims. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setInterval as every } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { dataRegions } from '../../src/engine/sources/files/data-regions.ts';
import { count } from '../support/counts.ts';
import { randomFrom } from '../support/seed.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const PROGRAM = fileURLToPath(new URL('../../bin/holdfast.js', import.meta.url));
const LIMIT_BYTES = 300 << 20;

/** The highest resident memory of a program by what the kernel counted, and how it ended. */
async function peakOf(
  args: readonly string[],
  home: string,
): Promise<{ code: number | null; bytes: number }> {
  const env = { PATH: process.env.PATH, HOME: home, HOLDFAST_HOME: home };
  const child = spawn(process.execPath, args, { env, stdio: 'ignore' });
  const closed = once(child, 'close') as Promise<[number | null]>;
  let bytes = 0;
  for await (const _ of every(10)) {
    const status = await readFile(`/proc/${child.pid}/status`, 'latin1').catch(() => '');
    const [, peak] = /^VmHWM:\s+(\d+) kB$/m.exec(status) ?? [];
    if (peak !== undefined) bytes = Number(peak) * 1024;
    else if (child.exitCode !== null || child.signalCode !== null) break;
  }
  const [code] = await closed;
  return { code, bytes };
}

async function backUpAndRestore(folder: string, source: string): Promise<string> {
  const home = join(folder, 'home');
  const target = join(folder, 'restored');
  for (const args of [
    ['backup', source],
    ['restore', 'latest', '--to', target, '--confirm-restore'],
  ]) {
    const { code, bytes } = await peakOf([PROGRAM, ...args], home);
    assert.equal(code, 0, args[0]);
    assert.ok(bytes > 0 && bytes <= LIMIT_BYTES, `${args[0]}: ${bytes} bytes of memory`);
    console.log(`# ${args[0]}: ${Math.round(bytes / 2 ** 20)} MiB`);
  }
  return target;
}

test('a large file', async (t) => {
  const folder = await temporaryFolder(t);
  const part = randomFrom(1).bytes(1 << 20);
  const file = await open(join(folder, 'large'), 'w');
  const parts = count(24, 2048);
  for (let i = 0; i < parts; i += 1) {
    part.writeUInt32LE(i, 0);
    part.writeUInt32LE(i, 1 << 19);
    await file.write(part);
  }
  await file.close();
  const target = await backUpAndRestore(folder, join(folder, 'large'));
  assert.equal((await stat(join(target, 'large'))).size, parts << 20);
});

test('many small files', async (t) => {
  const folder = await temporaryFolder(t);
  const files = count(2000, 200_000);
  for (let i = 0; i < files; i += 1) {
    const parent = join(folder, 'many', String(i % 200));
    if (i < 200) await mkdir(parent, { recursive: true });
    await writeFile(join(parent, `file-${i}`), `content of ${i}`);
  }
  const target = await backUpAndRestore(folder, join(folder, 'many'));
  const last = files - 1;
  assert.equal(
    await readFile(join(target, 'many', String(last % 200), `file-${last}`), 'utf8'),
    `content of ${last}`,
  );
});

test('a sparse file that claims 1 TiB', async (t) => {
  const folder = await temporaryFolder(t);
  const file = await open(join(folder, 'sparse'), 'w+');
  await file.truncate(2 ** 40);
  const at = 2 ** 39 + 12_345;
  await file.write('here', at);
  // Where the system does not tell holes, every byte is read: then a smaller one.
  const size = (await dataRegions(file.fd, 2 ** 40)) === null ? 2 ** 30 : 2 ** 40;
  await file.truncate(size);
  await file.close();
  const target = await backUpAndRestore(folder, join(folder, 'sparse'));
  const restored = await open(join(target, 'sparse'));
  const { size: length, blocks } = await restored.stat();
  const { buffer } = await restored.read(Buffer.alloc(4), 0, 4, at);
  await restored.close();
  assert.equal(length, size);
  assert.ok(blocks * 512 < 1 << 20, `${blocks} blocks`);
  if (size > at) assert.equal(buffer.toString(), 'here');
});

test('negative control: a program that holds more is seen', async (t) => {
  const code = 'const held = Buffer.alloc(320 * 2 ** 20, 1); setTimeout(() => held.length, 300)';
  const { bytes } = await peakOf(['-e', code], await temporaryFolder(t));
  assert.ok(bytes > LIMIT_BYTES, `${bytes} bytes`);
});
