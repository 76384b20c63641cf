import { joinOverflow, localBytes, type Overflow, PAGE, type Pages, Unusual } from './pages.ts';
import {
  INTEGER,
  parseRecord,
  type RecordFields,
  readInteger,
  rowidVarint,
  smallVarint,
  varintEnd,
} from './record.ts';

/**
 * Calls `visit` with each entry of an index in the order of its tree. Two records take turns: the one of the call before still
 * holds, for between two leaves of an index there always is an entry of the page above them.
 */
export function walkIndex(
  pages: Pages,
  rootPage: number,
  fields: number,
  records: readonly [RecordFields, RecordFields],
  visit: (record: RecordFields) => void,
): void {
  const { bytes, view } = pages;
  let turn = 0;
  const entry = (at: number) => {
    const record = records[turn]!;
    turn = 1 - turn;
    readEntry(pages, record, at, fields);
    visit(record);
  };
  const walk = (page: number, level: number): void => {
    const start = pages.load(level, page);
    const type = bytes[start]!;
    const cells = view.getUint16(start + 3);
    if (type === PAGE.leafIndex) {
      for (let i = 0; i < cells; i += 1) entry(start + view.getUint16(start + 8 + 2 * i));
      return;
    }
    if (type !== PAGE.interiorIndex) throw new Unusual('page type');
    for (let i = 0; i < cells; i += 1) {
      const cell = start + view.getUint16(start + 12 + 2 * i);
      walk(view.getUint32(cell), level + 1);
      entry(cell + 4);
    }
    walk(view.getUint32(start + 8), level + 1);
  };
  walk(rootPage, 0);
}

/** An entry of an index: all of its fields, the last of which is the row's number, and nothing after it. */
function readEntry(pages: Pages, record: RecordFields, at: number, fields: number): void {
  const { bytes, view, usableBytes } = pages;
  const payloadBytes = smallVarint(bytes, at);
  const from = varintEnd();
  const local = localBytes(payloadBytes, usableBytes, false);
  if (local === payloadBytes) parseRecord(record, bytes, view, from);
  else {
    const joined = joinOverflow(pages, bytes, from, local, payloadBytes);
    parseRecord(record, joined.bytes, joined.view, 0);
  }
  const end = (local === payloadBytes ? from : 0) + payloadBytes;
  if (record.count !== fields || record.hasMore || record.end !== end) throw new Unusual('entry');
  const type = record.types[fields - 1]!;
  if (type === 0 || type === 7 || type > 9) throw new Unusual('row number');
  readInteger(record.view, record.starts[fields - 1]!, type);
  record.rowidHigh = INTEGER.high;
  record.rowidLow = INTEGER.low;
}

/** Calls `visit` with each row of a table, its first fields parsed, in any order. */
export function walkTable(pages: Pages, rootPage: number, record: RecordFields, visit: () => void): void {
  const { bytes, view } = pages;
  const depth = depthOf(pages, rootPage);
  const walk = (page: number, level: number): void => {
    const start = pages.load(level, page);
    if (bytes[start] !== PAGE.interiorTable) throw new Unusual('page type');
    const cells = view.getUint16(start + 3);
    const children = new Float64Array(cells + 1);
    for (let i = 0; i < cells; i += 1) {
      children[i] = view.getUint32(start + view.getUint16(start + 12 + 2 * i));
    }
    children[cells] = view.getUint32(start + 8);
    if (level + 1 === depth) readLeaves(pages, children.sort(), record, visit);
    else for (const child of children) walk(child, level + 1);
  };
  if (depth === 0) readLeaves(pages, Float64Array.of(rootPage), record, visit);
  else walk(rootPage, 0);
}

/** All leaves of a sound tree lie at one depth. */
function depthOf(pages: Pages, rootPage: number): number {
  let page = rootPage;
  for (let depth = 0; ; depth += 1) {
    const start = pages.load(depth, page);
    if (pages.bytes[start] === PAGE.leafTable) return depth;
    if (pages.bytes[start] !== PAGE.interiorTable) throw new Unusual('page type');
    page = pages.view.getUint32(start + 8);
  }
}

/** Pages that lie behind one another are read together. */
function readLeaves(pages: Pages, sorted: Float64Array, record: RecordFields, visit: () => void): void {
  for (let i = 0; i < sorted.length; ) {
    const first = sorted[i]!;
    let count = 1;
    while (count < pages.fit && sorted[i + count] === first + count) count += 1;
    pages.loadRun(first, count);
    for (let k = 0; k < count; k += 1) readLeaf(pages, k * pages.pageSize, record, visit);
    i += count;
  }
}

function readLeaf(pages: Pages, start: number, record: RecordFields, visit: () => void): void {
  const { run, runView, usableBytes } = pages;
  if (run[start] !== PAGE.leafTable) throw new Unusual('page type');
  const cells = runView.getUint16(start + 3);
  for (let i = 0; i < cells; i += 1) {
    const payloadBytes = smallVarint(run, start + runView.getUint16(start + 8 + 2 * i));
    rowidVarint(run, varintEnd(), record);
    const from = varintEnd();
    const local = localBytes(payloadBytes, usableBytes, true);
    if (local === payloadBytes || smallVarint(run, from) <= local) {
      parseRecord(record, run, runView, from);
      if (local < payloadBytes && record.end - from > local) readLong(pages, record, from, local);
    } else {
      throw new Unusual('header beyond its page');
    }
    visit();
  }
}

/** A row of which a looked-at field ends on an overflow page. */
function readLong(pages: Pages, record: RecordFields, from: number, local: number): void {
  const joined: Overflow = joinOverflow(pages, pages.run, from, local, record.end - from);
  parseRecord(record, joined.bytes, joined.view, 0);
}
