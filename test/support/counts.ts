/** Reduced counts per commit, full counts when `npm run test:full` sets HOLDFAST_FULL. */
export function count(perCommit: number, full: number): number {
  return process.env.HOLDFAST_FULL === '1' ? full : perCommit;
}
