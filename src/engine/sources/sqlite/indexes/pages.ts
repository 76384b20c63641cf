import { closeSync, openSync, readSync } from 'node:fs';

/** Something that this code does not know or does not expect. SQLite's own check then has the word. */
export class Unusual extends Error {}

/** Pages of a database file that nobody writes to, for a reader that walks trees. https://www.sqlite.org/fileformat.html */
export interface Pages {
  readonly pageSize: number;
  /** Of a page, what holds data. */
  readonly usableBytes: number;
  /** One page per level of a tree: what was loaded for a level stays until the next is loaded for it. */
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Where in `bytes` the page now is. */
  load(level: number, page: number): number;
  /** Reads pages that lie behind one another, as many as `fit` at most. */
  loadRun(page: number, count: number): void;
  readonly run: Uint8Array;
  readonly runView: DataView;
  readonly fit: number;
  close(): void;
}

/** No tree is deeper: every level has at least two children for each of the one above. */
export const MAX_LEVELS = 32;
const RUN_BYTES = 1 << 18;

export function openPages(path: string): Pages {
  const file = openSync(path, 'r');
  try {
    const header = new Uint8Array(100);
    if (readSync(file, header, 0, 100, 0) !== 100) throw new Unusual('no header');
    const stated = (header[16]! << 8) | header[17]!;
    return pagesOf(file, stated === 1 ? 65_536 : stated, header[20]!);
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

function pagesOf(file: number, pageSize: number, reserved: number): Pages {
  if (pageSize < 512) throw new Unusual('page size');
  const bytes = new Uint8Array(MAX_LEVELS * pageSize);
  const fit = Math.max(1, Math.floor(RUN_BYTES / pageSize));
  const run = new Uint8Array(fit * pageSize);
  const read = (into: Uint8Array, at: number, page: number, length: number) => {
    if (page < 2) throw new Unusual('page number');
    if (readSync(file, into, at, length, (page - 1) * pageSize) !== length) throw new Unusual('short file');
  };
  return {
    ...{ pageSize, usableBytes: pageSize - reserved, bytes, view: new DataView(bytes.buffer) },
    ...{ run, runView: new DataView(run.buffer), fit },
    load(level, page) {
      if (level >= MAX_LEVELS) throw new Unusual('depth');
      read(bytes, level * pageSize, page, pageSize);
      return level * pageSize;
    },
    loadRun: (page, count) => read(run, 0, page, count * pageSize),
    close: () => closeSync(file),
  };
}

export const PAGE = { interiorIndex: 2, interiorTable: 5, leafIndex: 10, leafTable: 13 } as const;

export interface Overflow {
  /** The whole payload, or as much of it as was asked for. */
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

/** Payloads whose needed part is larger are left to SQLite. */
const MAX_JOINED_BYTES = 1 << 24;

/** Joins the part of a payload inside its page with `neededBytes` less that from its overflow pages. */
export function joinOverflow(
  pages: Pages,
  from: Uint8Array,
  at: number,
  localBytes: number,
  neededBytes: number,
): Overflow {
  if (neededBytes > MAX_JOINED_BYTES) throw new Unusual('large key');
  const bytes = new Uint8Array(neededBytes);
  bytes.set(from.subarray(at, at + Math.min(localBytes, neededBytes)));
  const level = MAX_LEVELS - 1;
  let next = new DataView(from.buffer, from.byteOffset).getUint32(at + localBytes);
  for (let filled = localBytes; filled < neededBytes; ) {
    const start = pages.load(level, next);
    const length = Math.min(pages.usableBytes - 4, neededBytes - filled);
    bytes.set(pages.bytes.subarray(start + 4, start + 4 + length), filled);
    filled += length;
    next = pages.view.getUint32(start);
  }
  return { bytes, view: new DataView(bytes.buffer) };
}

/** How much of a payload lies inside its page. */
export function localBytes(payloadBytes: number, usableBytes: number, isTableLeaf: boolean): number {
  const most = isTableLeaf ? usableBytes - 35 : Math.floor(((usableBytes - 12) * 64) / 255) - 23;
  if (payloadBytes <= most) return payloadBytes;
  const least = Math.floor(((usableBytes - 12) * 32) / 255) - 23;
  const fitting = least + ((payloadBytes - least) % (usableBytes - 4));
  return fitting <= most ? fitting : least;
}
