/** Numbers and limits of tree records (docs/format.md, section 9), shared by encoder and decoder. */
import type { TreeEntry } from '../sources/port.ts';

/** Longer than any path a file system of today gives out: 4,096 folders of 255 bytes. */
export const MAX_PATH_BYTES = 1 << 20;
export const MAX_NAME_BYTES = 255;
/** Linux takes 4,095 bytes; others less. */
export const MAX_LINK_TARGET_BYTES = 65_535;
export const MAX_EXTENTS = 1 << 16;
export const MAX_OWNER_BYTES = 1024;
/** Writers go one deeper at 256 references; this leaves room for a later version that does so at 4,096. */
export const MAX_REFS = 4096;
export const MAX_RECORD_BYTES = 4 << 20;
export const MAX_DEPTH = 4;
/** The most a record holds besides its variable parts. */
export const FIXED_BYTES = 256;

export const TYPES = ['file', 'folder', 'symlink', 'fifo', 'socket', 'block', 'character'] as const;
export const TYPE_NUMBERS: Readonly<Record<TreeEntry['type'], number>> = {
  file: 0,
  folder: 1,
  symlink: 2,
  fifo: 3,
  socket: 4,
  block: 5,
  character: 6,
};
export const FLAG = { linkTarget: 1, hardLink: 2, extents: 4, content: 8 } as const;
