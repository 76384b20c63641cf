/** What test/golden/repository-v1-recovery holds, and the files it was made from. */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SeenEntry } from './describe-tree.ts';

export interface Recovery {
  readonly keys: { readonly first: string; readonly second: string; readonly passphrase: string };
  /** Newest first; what the program itself restored of each. */
  readonly backups: readonly { readonly id: string; readonly entries: readonly SeenEntry[] }[];
  /** Id of the backup that is in the bundle. */
  readonly newest: string;
}

const FOLDER = fileURLToPath(new URL('../golden/repository-v1-recovery/', import.meta.url));

export const RECOVERY_REPOSITORY = join(FOLDER, 'repository');
export const RECOVERY_BUNDLE = join(FOLDER, 'newest.tar.zst.enc');

export function readRecovery(): Recovery {
  return JSON.parse(fs.readFileSync(join(FOLDER, 'golden.json'), 'utf8')) as Recovery;
}

/** Bytes that always come out the same and do not compress. */
function noise(length: number): Buffer {
  const parts = Array.from({ length: Math.ceil(length / 32) }, (_, i) =>
    createHash('sha256').update(`noise ${i}`).digest(),
  );
  return Buffer.concat(parts).subarray(0, length);
}

const raw = (folder: string, name: string) =>
  Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(name, 'latin1')]);

/** A folder with every kind of entry that any user may make. */
export function makeUploads(folder: string): void {
  fs.mkdirSync(join(folder, 'deep/er'), { recursive: true });
  fs.mkdirSync(join(folder, 'empty folder'));
  fs.writeFileSync(join(folder, 'log.txt'), 'a line that repeats\n'.repeat(20_000));
  fs.writeFileSync(join(folder, 'noise.bin'), noise(90_000));
  fs.writeFileSync(join(folder, 'empty'), '');
  fs.writeFileSync(join(folder, 'deep/er/Grüße 🌱.txt'), 'hello');
  for (const name of ['\xff\xfe raw', 'new\nline', ' leading', '-rf', '*', 'a\\b', `${'x'.repeat(250)}`]) {
    fs.writeFileSync(raw(folder, name), `content of ${name}`);
  }
  // The slash sorts before every byte: these three tell the tree order from the order of whole paths.
  fs.mkdirSync(join(folder, 'a'));
  for (const name of ['a/z', 'a!', 'a.b']) fs.writeFileSync(join(folder, name), name);
  fs.symlinkSync('deep/er', join(folder, 'link to folder'));
  fs.symlinkSync('/nowhere/at/all', join(folder, 'link to nothing'));
  fs.symlinkSync(Buffer.from('\xff odd', 'latin1'), join(folder, 'odd link'));
  fs.linkSync(join(folder, 'noise.bin'), join(folder, 'deep/second name'));
  fs.linkSync(join(folder, 'noise.bin'), join(folder, 'third name'));
  const sparse = fs.openSync(join(folder, 'sparse'), 'w');
  fs.writeSync(sparse, noise(5000), 0, 5000, 1 << 20);
  fs.writeSync(sparse, noise(3), 0, 3, 3_000_001);
  fs.ftruncateSync(sparse, 4_000_007);
  fs.closeSync(sparse);
  fs.chmodSync(join(folder, 'a.b'), 0o600);
  fs.chmodSync(join(folder, 'a!'), 0o444);
  fs.chmodSync(join(folder, 'deep'), 0o750);
  fs.utimesSync(join(folder, 'empty'), '-86400.5', '-86400.5');
  fs.utimesSync(join(folder, 'a.b'), '1700000000.123456', '1700000000.123456');
  fs.utimesSync(join(folder, 'empty folder'), 1_600_000_000, 1_600_000_000);
}
