/**
 * How the engine tells what it does. It never prints. Calls are cheap and may come often;
 * a surface throttles what it shows.
 */
export interface Progress {
  /** A new phase begins. Totals are estimates, null when unknown. */
  phase(name: string, total: { bytes?: number | null; entries?: number | null }): void;
  /** Of the phase under way: about how many bytes it has, found out meanwhile. */
  estimate?(total: { readonly bytes: number }): void;
  /** Work done since the last call. `storedBytes` counts new bytes written to the destination. */
  advance(done: { bytes?: number; storedBytes?: number; entries?: number }): void;
  /** Something the operator should read, such as a file that vanished. */
  warn(message: string): void;
}

export const silentProgress: Progress = { phase() {}, advance() {}, warn() {} };
