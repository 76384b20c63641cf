/** A folder that changes a little with every backup: the same changes for the same seed, whoever backs it up. */
import { createCipheriv } from 'node:crypto';
import {
  appendFileSync,
  closeSync,
  mkdirSync,
  openSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { mix, randomOf } from '../random.ts';

export interface HistoryShape {
  /** Plain bytes of all versions of all files together. */
  readonly totalBytes: number;
  readonly backups: number;
  readonly seed: number;
}

export interface HistoryData {
  readonly folder: string;
  readonly files: number;
  /** Makes the folder as the first backup finds it. */
  create(): void;
  /** What happens before backup `n`, from 2. */
  change(n: number): void;
}

/** Half of all there ever is lies in the first backup. */
const FIRST_SHARE = 0.5;
const MOST_FILES = 1000;
const FILES_A_BACKUP = 5;
const FILES_PER_FOLDER = 50;
/** Of what is new, so much is added to a file that only grows; the rest overwrites parts of others. */
const APPENDED_SHARE = 0.1;

export function historyData(folder: string, { totalBytes, backups, seed }: HistoryShape): HistoryData {
  const files = Math.min(MOST_FILES, backups * FILES_A_BACKUP);
  const fileBytes = Math.round((totalBytes * FIRST_SHARE) / files);
  const changedBytes = Math.round((totalBytes * (1 - FIRST_SHARE)) / (backups - 1));
  const appendedBytes = Math.round(changedBytes * APPENDED_SHARE);
  const pathOf = (index: number) =>
    join(folder, `part-${Math.floor(index / FILES_PER_FOLDER)}`, `file-${index}`);
  const log = join(folder, 'part-0', 'log');
  return {
    folder,
    files: files + 1,
    create() {
      for (let index = 0; index < files; index += 1) {
        if (index % FILES_PER_FOLDER === 0) mkdirSync(dirname(pathOf(index)), { recursive: true });
        writeFileSync(pathOf(index), content(mix(seed, index), fileBytes));
        date(pathOf(index), 1);
      }
      writeFileSync(log, '');
      date(log, 1);
    },
    change(n) {
      const random = randomOf(seed, n);
      for (let left = changedBytes - appendedBytes; left > 0; left -= fileBytes) {
        const length = Math.min(left, fileBytes);
        const offset = random.integer(fileBytes - length + 1);
        const path = pathOf(random.integer(files));
        overwrite(path, offset, content(random.integer(2 ** 32), length));
        date(path, n);
      }
      appendFileSync(log, content(random.integer(2 ** 32), appendedBytes));
      date(log, n);
    },
  };
}

const FIRST_TIME_SECONDS = Date.UTC(2026, 0, 1) / 1000;

/** The same time for whoever repeats it: a repository made in an earlier run is compared with the folder as well. */
function date(path: string, backup: number): void {
  const seconds = FIRST_TIME_SECONDS + backup;
  utimesSync(path, seconds, seconds);
}

function overwrite(path: string, offset: number, bytes: Buffer): void {
  const file = openSync(path, 'r+');
  try {
    writeSync(file, bytes, 0, bytes.length, offset);
  } finally {
    closeSync(file);
  }
}

/** Half of it noise, half the digits of noise, which compress to their half. No two are alike. */
function content(seed: number, length: number): Buffer {
  const key = Buffer.alloc(32);
  key.writeUInt32LE(seed);
  const noise = createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length));
  return Buffer.concat([noise.subarray(0, length >> 1), Buffer.from(noise.toString('hex'))]).subarray(
    0,
    length,
  );
}
