/** Trees of files: prose, tables and data that nothing can compress, each file different from every other. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { copyLine } from '../data/copy-text.ts';
import { rowOf, TABLES } from '../data/tables.ts';
import { prose } from '../data/words.ts';
import { pickChanged } from '../patterns.ts';
import { type Random, randomOf } from '../random.ts';
import { compareTrees } from './compare-trees.ts';
import { pauses } from './pause.ts';
import type { Workload, WorkloadOptions } from './port.ts';

export interface Shape {
  readonly files: number;
  readonly meanBytes: number;
  /** Of the sizes' logarithms: the higher, the fewer files hold most of the bytes. */
  readonly sigma: number;
  readonly filesPerFolder: number;
  /** Shares of prose and of tables; the rest cannot be compressed, as pictures and archives cannot. */
  readonly prose: number;
  readonly tables: number;
}

/** 20,000 files, about 1 GB. */
export const MIXED: Shape = {
  files: 20_000,
  meanBytes: 52_000,
  sigma: 1.5,
  filesPerFolder: 40,
  prose: 0.5,
  tables: 0.2,
};

/** 200,000 files, about 0.4 GB. */
export const MANY_SMALL: Shape = {
  files: 200_000,
  meanBytes: 2_000,
  sigma: 0.8,
  filesPerFolder: 200,
  prose: 0.7,
  tables: 0.2,
};

const LARGEST_BYTES = 32 << 20;
const SMALLEST_BYTES = 40;
/** An edit rewrites so much of a file, at least. */
const EDITED_SHARE = 0.02;
const EDITED_BYTES = 64;
const ASSUMED_ROWS = 500_000;

export async function filesWorkload(options: WorkloadOptions, shape: Shape): Promise<Workload> {
  const { seed, signal } = options;
  const folder = join(options.folder, 'tree');
  const total = Math.max(20, Math.round(shape.files * options.scale));
  const pause = pauses(signal);
  const pathOf = (n: number) => join(folderOf(folder, n, shape), `${kindOf(n, seed, shape)}-${n}`);
  let sizeBytes = 0;
  for (let n = 0; n < total; n += 1) {
    if (n % shape.filesPerFolder === 0) mkdirSync(folderOf(folder, n, shape), { recursive: true });
    const content = contentOf(n, seed, shape);
    sizeBytes += content.length;
    writeFileSync(pathOf(n), content);
    await pause();
  }
  let targets = 0;
  return {
    source: { kind: 'files', folder },
    sizeBytes,
    facts: { files: total, folders: Math.ceil(total / shape.filesPerFolder) },
    async change(pattern, round) {
      const changed = pickChanged(pattern, total, seed + round);
      for (const n of changed) {
        await edit(pathOf(n - 1), randomOf(seed, n, 1000 + round));
        await pause();
      }
      return changed.length;
    },
    warm: () => readAll(folder, signal),
    async restoreTarget() {
      targets += 1;
      const place = join(options.folder, `restored-${targets}`);
      return {
        place,
        check: (path) => compareTrees(folder, path, signal),
        // For minutes after many files were deleted, ext4 makes new ones many times as slowly, and whoever comes next would pay for it.
        remove: null,
      };
    },
    close: async () => {},
  };
}

function folderOf(root: string, n: number, shape: Shape): string {
  const index = Math.floor(n / shape.filesPerFolder);
  return join(root, `area-${Math.floor(index / 25)}`, `case-${index}`);
}

type Kind = 'prose' | 'table' | 'data';

function kindOf(n: number, seed: number, shape: Shape): Kind {
  const drawn = randomOf(seed, n, 1).fraction();
  if (drawn < shape.prose) return 'prose';
  return drawn < shape.prose + shape.tables ? 'table' : 'data';
}

function contentOf(n: number, seed: number, shape: Shape): Buffer {
  const random = randomOf(seed, n, 2);
  const length = sizeOf(random, shape);
  switch (kindOf(n, seed, shape)) {
    case 'prose':
      return Buffer.from(prose(random, length).slice(0, length));
    case 'table': {
      let text = '';
      for (let row = 1; text.length < length; row += 1) {
        text += copyLine(rowOf(TABLES[row % 4]!, n * 1000 + row, seed, () => ASSUMED_ROWS));
      }
      return Buffer.from(text.slice(0, length));
    }
    case 'data':
      return noise(random, length);
  }
}

/** Log-normal, as the sizes of files are (Downey, "The structural cause of file size distributions"). */
function sizeOf(random: Random, shape: Shape): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random.fraction())) * Math.cos(2 * Math.PI * random.fraction());
  const bytes = shape.meanBytes * Math.exp(shape.sigma * normal - shape.sigma ** 2 / 2);
  return Math.round(Math.min(LARGEST_BYTES, Math.max(SMALLEST_BYTES, bytes)));
}

function noise(random: Random, length: number): Buffer {
  const words = new Uint32Array(Math.ceil(length / 4));
  for (let i = 0; i < words.length; i += 1) words[i] = random.integer(2 ** 32);
  return Buffer.from(words.buffer, 0, length);
}

/** Rewrites a part in the middle, and adds a little at the end. */
async function edit(path: string, random: Random): Promise<void> {
  const isData = path.includes('/data-');
  const part = (length: number) =>
    isData ? noise(random, length) : Buffer.from(prose(random, length).slice(0, length));
  const file = await open(path, 'r+');
  try {
    const { size } = await file.stat();
    const length = Math.max(EDITED_BYTES, Math.round(size * EDITED_SHARE));
    await file.write(part(length), 0, length, random.integer(Math.max(1, size - length)));
    const after = (await file.stat()).size;
    await file.write(part(EDITED_BYTES), 0, EDITED_BYTES, after);
  } finally {
    await file.close();
  }
}

/** Files have 32 MiB at most: each fits into memory. */
async function readAll(folder: string, signal: AbortSignal): Promise<void> {
  const pause = pauses(signal);
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isFile()) readFileSync(join(entry.parentPath, entry.name));
    await pause();
  }
}
