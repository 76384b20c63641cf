/**
 * `node bench/micro/many-backups.ts [--backups 10000] [--size 20] [--folder PLACE]`: what one more backup, verify, rotate and prune of a repository
 * with very many backups need. Made without a process for each, which is the only way to have ten thousand in minutes.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Command } from '../command.ts';
import { copyRepository } from '../history/copy-repository.ts';
import { measure } from '../measure.ts';
import { folderBytes, GIB, sizeText } from '../sizes.ts';
import { pruneCommand } from '../tools/holdfast-upkeep.ts';
import { PASSWORD } from '../tools/password.ts';
import { fillRepository } from './fill-repository.ts';

const BIN = fileURLToPath(new URL('../../bin/holdfast.js', import.meta.url));
const { values } = parseArgs({
  options: {
    backups: { type: 'string', default: '10000' },
    size: { type: 'string', default: '20' },
    folder: { type: 'string' },
  },
});
const backups = Number(values.backups);
const folder = values.folder ?? mkdtempSync(join(tmpdir(), 'holdfast-many-'));
const made = join(folder, `${backups}-${values.size}`);
const { signal } = new AbortController();

const callFor =
  (place: string) =>
  (...args: string[]): Command => ({
    steps: [[[process.execPath, BIN, '--repository', join(place, 'repository'), ...args]]],
    env: {
      BACKUP_ENCRYPTION_KEY: PASSWORD,
      HOLDFAST_HOME: join(place, 'home'),
      HOME: place,
      XDG_CACHE_HOME: join(place, 'cache'),
    },
  });

async function report(what: string, command: Command): Promise<void> {
  const { wallSeconds, cpuSeconds, peakBytes } = await measure(command, signal);
  console.log(
    `${what}: ${wallSeconds.toFixed(1)} s, ${cpuSeconds.toFixed(1)} s of processor, peak ${sizeText(peakBytes)}`,
  );
}

if (!existsSync(made)) {
  const unfinished = `${made}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true });
  const startedMs = performance.now();
  await fillRepository({
    address: join(unfinished, 'repository'),
    password: PASSWORD,
    home: join(unfinished, 'home'),
    backups,
    totalBytes: Number(values.size) * GIB,
    onBackup(n) {
      if (n % 1000 === 0)
        console.log(`  ${n} backups after ${((performance.now() - startedMs) / 1000).toFixed(0)} s`);
    },
  });
  renameSync(unfinished, made);
}
console.log(`${backups} backups, ${sizeText(folderBytes(join(made, 'repository')))} stored`);
await report('list', callFor(made)('list', '--json'));
await report('verify', callFor(made)('verify'));
const copy = join(folder, 'copy');
rmSync(copy, { recursive: true, force: true });
copyRepository(made, copy);
const few = join(folder, 'few');
mkdirSync(few, { recursive: true });
for (let n = 0; n < 5; n += 1) writeFileSync(join(few, `note-${n}`), `note ${n}\n`);
const indexObjects = () => `${readdirSync(join(copy, 'repository', 'index')).length} index objects`;
// The second finds what the first remembered of the index.
for (const which of ['first', 'second']) {
  await report(`${indexObjects()}, a backup of five files, ${which}`, callFor(copy)('backup', few));
}
await report('drop half, prune', pruneCommand(callFor(copy), join(copy, 'repository'), backups >> 1));
console.log(`${sizeText(folderBytes(join(copy, 'repository')))} left`);
await report(`${indexObjects()}, verify what is left`, callFor(copy)('verify'));
rmSync(few, { recursive: true });
rmSync(values.folder === undefined ? folder : copy, { recursive: true });
