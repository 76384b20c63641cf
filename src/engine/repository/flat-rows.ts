/** Rows of 32-bit numbers in pages of flat memory. They grow without being copied: a copy would hold all of them twice for a moment. */
export interface FlatRows {
  get(row: number, field: number): number;
  set(row: number, field: number, value: number): void;
  /** The numbers of one row, in place. It must have been reserved. */
  view(row: number): Uint32Array;
  /** Makes room for rows up to this one; new ones hold `empty`. */
  reserve(row: number): void;
  /** Rows there is room for. */
  readonly length: number;
  readonly memoryBytes: number;
}

const PAGE_BITS = 15;
const PAGE_ROWS = 1 << PAGE_BITS;
const MASK = PAGE_ROWS - 1;

export function flatRows(fields: number, empty = 0): FlatRows {
  const pages: Uint32Array[] = [];
  return {
    get: (row, field) => pages[row >>> PAGE_BITS]![(row & MASK) * fields + field]!,
    set(row, field, value) {
      pages[row >>> PAGE_BITS]![(row & MASK) * fields + field] = value;
    },
    view(row) {
      const at = (row & MASK) * fields;
      return pages[row >>> PAGE_BITS]!.subarray(at, at + fields);
    },
    reserve(row) {
      while (row >= pages.length * PAGE_ROWS) {
        const page = new Uint32Array(PAGE_ROWS * fields);
        pages.push(empty === 0 ? page : page.fill(empty));
      }
    },
    get length() {
      return pages.length * PAGE_ROWS;
    },
    get memoryBytes() {
      return pages.length * PAGE_ROWS * fields * Uint32Array.BYTES_PER_ELEMENT;
    },
  };
}
