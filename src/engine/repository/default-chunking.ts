import type { ChunkingProfiles } from '../crypto/keyring.ts';

const KIB = 1024;

/**
 * What new repositories cut with; existing ones keep what their keyring says. Measured in docs/decisions/0006-differences.md:
 * dumps are cut small, since where differences are off a scattered change costs whole chunks; files larger, since
 * they change in runs.
 */
export const DEFAULT_CHUNKING: ChunkingProfiles = {
  dump: { minBytes: 16 * KIB, normalBytes: 64 * KIB, maxBytes: 256 * KIB, bitsEarly: 18, bitsLate: 14 },
  file: {
    minBytes: 128 * KIB,
    normalBytes: 512 * KIB,
    maxBytes: 1024 * KIB,
    bitsEarly: 21,
    bitsLate: 17,
  },
};
