import { pathBytes } from './path-bytes.ts';
import { largerCopy } from './path-table.ts';

/**
 * Files with several names and the path each is stored under, in flat memory: some 35 bytes each beside that path, and
 * nothing once all names were met. First a name is announced, later, in the same order, it is done with.
 */
export interface LinkTable {
  /**
   * Meets a name of a file, which has `links` of them by now. `isFirst` when no other is known. The file's number is valid
   * until this name is done with.
   */
  announce(
    device: bigint,
    inode: bigint,
    links: number,
  ): { readonly number: number; readonly isFirst: boolean };
  /** A copy of the path its data is stored under; null before `store`. */
  pathOf(number: number): Buffer | null;
  /** Its data is stored under this path. Later calls do nothing. */
  store(number: number, path: Uint8Array): void;
  /** Once for every name announced. */
  done(number: number): void;
  readonly count: number;
  readonly memoryBytes: number;
}

/** Of a row. `next` chains rows that are free. */
const FIELD = {
  inodeLow: 0,
  inodeHigh: 1,
  device: 2,
  path: 3,
  links: 4,
  announced: 5,
  done: 6,
  next: 0,
} as const;
const FIELDS = 7;
const MAX_LOAD = 0.75;
const GROWTH = 1.25;
const FIRST_ROWS = 64;
/** Less than this is not worth moving paths for. */
const COMPACT_BYTES = 64 * 1024;

export function linkTable(): LinkTable {
  const devices = new Map<bigint, number>();
  const paths = pathBytes();
  let unusedPathBytes = 0;
  let rows = new Uint32Array(FIELDS * FIRST_ROWS);
  /** Number + 1, or 0. */
  let slots = new Uint32Array(127);
  let used = 0;
  let free = -1;
  let count = 0;

  const get = (number: number, field: number) => rows[FIELDS * number + field]!;
  const add = (number: number, field: number) => {
    rows[FIELDS * number + field]! += 1;
  };
  const homeOf = (low: number, high: number, device: number) => {
    const mixed = Math.imul(low ^ Math.imul(high + device, 0x9e3779b1), 0x85ebca6b);
    return ((mixed ^ (mixed >>> 15)) >>> 0) % slots.length;
  };
  const after = (slot: number) => (slot + 1 === slots.length ? 0 : slot + 1);
  const slotOf = (low: number, high: number, device: number): number => {
    for (let slot = homeOf(low, high, device); ; slot = after(slot)) {
      const at = FIELDS * (slots[slot]! - 1);
      if (at < 0) return slot;
      if (rows[at] === low && rows[at + 1] === high && rows[at + 2] === device) return slot;
    }
  };
  const slotOfRow = (number: number) =>
    slotOf(get(number, FIELD.inodeLow), get(number, FIELD.inodeHigh), get(number, FIELD.device));
  const grow = () => {
    const numbers = slots.filter((number) => number > 0);
    slots = new Uint32Array(Math.ceil(slots.length * GROWTH) | 1);
    for (const number of numbers) slots[slotOfRow(number - 1)] = number;
  };
  const newRow = (): number => {
    if (free >= 0) {
      const number = free;
      free = get(number, FIELD.next) - 1;
      return number;
    }
    if (FIELDS * (used + 1) > rows.length) rows = largerCopy(rows, GROWTH);
    used += 1;
    return used - 1;
  };
  /** Later rows move up, so that none lies behind an empty place. */
  const emptySlot = (empty: number) => {
    let hole = empty;
    for (let slot = after(hole); slots[slot]! > 0; slot = after(slot)) {
      const number = slots[slot]! - 1;
      const home = homeOf(get(number, 0), get(number, 1), get(number, 2));
      const isBetween = hole < slot ? home > hole && home <= slot : home > hole || home <= slot;
      if (isBetween) continue;
      slots[hole] = number + 1;
      hole = slot;
    }
    slots[hole] = 0;
  };
  const compact = () => {
    const placeOf = (number: number) => get(number - 1, FIELD.path);
    const numbers = slots.filter((number) => number > 0 && placeOf(number) > 0);
    numbers.sort((a, b) => placeOf(a) - placeOf(b));
    let i = 0;
    paths.keep(numbers.map(placeOf), (place) => {
      rows[FIELDS * (numbers[i]! - 1) + FIELD.path] = place;
      i += 1;
    });
    unusedPathBytes = 0;
  };
  const drop = (number: number) => {
    const place = get(number, FIELD.path);
    if (place > 0) unusedPathBytes += paths.at(place).length + 4;
    emptySlot(slotOfRow(number));
    rows[FIELDS * number + FIELD.next] = free + 1;
    free = number;
    count -= 1;
    if (unusedPathBytes > COMPACT_BYTES && unusedPathBytes > paths.usedBytes / 2) compact();
  };
  const deviceNumber = (device: bigint): number => {
    let number = devices.get(device);
    if (number === undefined) {
      number = devices.size;
      devices.set(device, number);
    }
    return number;
  };
  return {
    announce(device, inode, links) {
      const key = [Number(inode & 0xffffffffn), Number(inode >> 32n), deviceNumber(device)] as const;
      let slot = slotOf(...key);
      const isFirst = slots[slot] === 0;
      if (isFirst) {
        if (count + 1 > slots.length * MAX_LOAD) {
          grow();
          slot = slotOf(...key);
        }
        const number = newRow();
        rows.set([...key, 0, links, 0, 0], FIELDS * number);
        slots[slot] = number + 1;
        count += 1;
      }
      const number = slots[slot]! - 1;
      rows[FIELDS * number + FIELD.links] = Math.max(links, get(number, FIELD.links));
      add(number, FIELD.announced);
      return { number, isFirst };
    },
    pathOf(number) {
      const place = get(number, FIELD.path);
      return place === 0 ? null : Buffer.from(paths.at(place));
    },
    store(number, path) {
      if (get(number, FIELD.path) === 0) rows[FIELDS * number + FIELD.path] = paths.add(path);
    },
    done(number) {
      add(number, FIELD.done);
      const done = get(number, FIELD.done);
      if (done >= get(number, FIELD.links) && done === get(number, FIELD.announced)) drop(number);
    },
    get count() {
      return count;
    },
    get memoryBytes() {
      return paths.memoryBytes + rows.byteLength + slots.byteLength;
    },
  };
}
