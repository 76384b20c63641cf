/** How a run of the command line ends, by the kind of trouble. Listed in `docs/operations.md`. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  incomplete: 3,
  damaged: 4,
  key: 5,
  unreachable: 6,
  unconfirmed: 7,
  skipped: 8,
  copyMissing: 9,
  interrupted: 130,
} as const;

export type ExitName = keyof typeof EXIT;
