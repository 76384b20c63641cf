/** What is known of a run at one moment. A plain value: rendering is a function of it and the time. */
export interface ProgressState {
  readonly phase: string;
  readonly startedAtMs: number;
  /** Estimates; null when unknown. */
  readonly totalBytes: number | null;
  /** The total was counted while the phase ran, on something that may change. */
  readonly isAbout: boolean;
  readonly totalEntries: number | null;
  readonly bytes: number;
  readonly storedBytes: number;
  readonly entries: number;
  /** Points of the last seconds, oldest first, from which the rate comes. */
  readonly samples: readonly Sample[];
}

interface Sample {
  readonly atMs: number;
  readonly bytes: number;
}

/** The rate is that of the last 10 seconds: it follows changes without jumping. */
const WINDOW_MS = 10_000;
const SAMPLE_EVERY_MS = 500;

export function newPhase(
  phase: string,
  total: { bytes?: number | null; entries?: number | null },
  nowMs: number,
): ProgressState {
  return {
    phase,
    startedAtMs: nowMs,
    totalBytes: total.bytes ?? null,
    isAbout: false,
    totalEntries: total.entries ?? null,
    bytes: 0,
    storedBytes: 0,
    entries: 0,
    samples: [{ atMs: nowMs, bytes: 0 }],
  };
}

export const estimated = (state: ProgressState, totalBytes: number): ProgressState => ({
  ...state,
  totalBytes,
  isAbout: true,
});

export function advanced(
  state: ProgressState,
  done: { bytes?: number; storedBytes?: number; entries?: number },
  nowMs: number,
): ProgressState {
  const bytes = state.bytes + (done.bytes ?? 0);
  const last = state.samples.at(-1)!;
  const samples =
    nowMs - last.atMs < SAMPLE_EVERY_MS
      ? state.samples
      : [...state.samples.filter(({ atMs }) => nowMs - atMs <= WINDOW_MS), { atMs: nowMs, bytes }];
  return {
    ...state,
    bytes,
    storedBytes: state.storedBytes + (done.storedBytes ?? 0),
    entries: state.entries + (done.entries ?? 0),
    samples,
  };
}

/** Bytes per second lately; null before there is anything to go by. */
export function rateOf(state: ProgressState, nowMs: number): number | null {
  const first = state.samples.find(({ atMs }) => nowMs - atMs <= WINDOW_MS);
  if (!first || nowMs - first.atMs < SAMPLE_EVERY_MS) return null;
  return ((state.bytes - first.bytes) * 1000) / (nowMs - first.atMs);
}

/** Null when there is no total, nothing moves, or more came than was estimated. */
export function remainingMs(state: ProgressState, nowMs: number): number | null {
  const rate = rateOf(state, nowMs);
  if (rate === null || rate <= 0 || state.totalBytes === null || state.bytes > state.totalBytes) return null;
  return ((state.totalBytes - state.bytes) * 1000) / rate;
}

/** Part done, 0 to 1; null when no total is known. Never above 0.99 while the phase runs: estimates err. */
export function fractionOf(state: ProgressState): number | null {
  const [done, total] =
    state.totalBytes !== null ? [state.bytes, state.totalBytes] : [state.entries, state.totalEntries];
  if (total === null || total === 0) return null;
  return Math.min(0.99, done / total);
}
