/** The door to the tree codec: records of a file tree (docs/format.md, section 9) to bytes and back. */
export { decodeTreeBatches, decodeTreeEntries } from './tree-decoder.ts';
export { encodeTreeEntry } from './tree-encoder.ts';
