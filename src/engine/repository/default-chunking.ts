import type { ChunkingProfiles } from '../crypto/keyring.ts';

const KIB = 1024;

/**
 * What new repositories cut with; existing ones keep what their keyring says. Dumps are cut small, since a
 * scattered change touches almost every megabyte of them; files are cut larger, since they change in runs.
 */
export const DEFAULT_CHUNKING: ChunkingProfiles = {
  dump: { minBytes: 8 * KIB, normalBytes: 32 * KIB, maxBytes: 128 * KIB, bitsEarly: 17, bitsLate: 13 },
  file: {
    minBytes: 128 * KIB,
    normalBytes: 512 * KIB,
    maxBytes: 2048 * KIB,
    bitsEarly: 21,
    bitsLate: 17,
  },
};
