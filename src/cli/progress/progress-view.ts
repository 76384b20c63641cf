import { advanced, estimated, newPhase, type ProgressState } from './progress-state.ts';
import { renderBar, renderLine, renderPhaseEnd } from './render-progress.ts';

/** Same shape as the engine's progress port, and an end. */
export interface ProgressView {
  phase(name: string, total: { bytes?: number | null; entries?: number | null }): void;
  estimate(total: { readonly bytes: number }): void;
  advance(done: { bytes?: number; storedBytes?: number; entries?: number }): void;
  warn(message: string): void;
  /** Takes the bar away; only a run that succeeded calls its last phase done. Idempotent. */
  end(succeeded: boolean): void;
}

export interface ProgressOutput {
  /** Writes to standard error. */
  write(text: string): void;
  nowMs(): number;
  /** Columns of the terminal; null when it is none, and plain lines are wanted. */
  columns(): number | null;
}

/** Ten a second: smooth, and cheap over a slow line. */
const BAR_EVERY_MS = 100;
/** A log wants to know that a run lives, no more. */
const LINE_EVERY_MS = 5_000;
/** Phases shorter than this are not worth a line in a log. */
const SHORT_PHASE_MS = 1_000;

/** Takes the bar away, and a `^C` that the terminal wrote behind it. */
export const ERASE_LINE = '\r\x1b[K';

/** Shows progress: a bar that redraws itself on a terminal, else plain lines every few seconds. */
export function progressView(output: ProgressOutput): ProgressView {
  let state: ProgressState | null = null;
  let shownAtMs = 0;
  let barShown = false;

  const erase = () => {
    if (barShown) output.write(ERASE_LINE);
    barShown = false;
  };
  const show = (nowMs: number) => {
    const columns = output.columns();
    if (!state || nowMs - shownAtMs < (columns === null ? LINE_EVERY_MS : BAR_EVERY_MS)) return;
    shownAtMs = nowMs;
    if (columns === null) {
      output.write(`${renderLine(state, nowMs)}\n`);
      return;
    }
    output.write(`\r${renderBar(state, nowMs, columns)}\x1b[K`);
    barShown = true;
  };
  const endPhase = (nowMs: number, succeeded: boolean) => {
    erase();
    if (succeeded && state && nowMs - state.startedAtMs >= SHORT_PHASE_MS) {
      output.write(`${renderPhaseEnd(state, nowMs)}\n`);
    }
    state = null;
  };

  return {
    phase(name, total) {
      const nowMs = output.nowMs();
      endPhase(nowMs, true);
      state = newPhase(name, total, nowMs);
      if (output.columns() === null) shownAtMs = nowMs;
      show(nowMs);
    },
    estimate({ bytes }) {
      if (state) state = estimated(state, bytes);
    },
    advance(done) {
      if (!state) return;
      const nowMs = output.nowMs();
      state = advanced(state, done, nowMs);
      show(nowMs);
    },
    warn(message) {
      erase();
      output.write(`warning: ${message}\n`);
      shownAtMs = output.columns() === null ? shownAtMs : 0;
      show(output.nowMs());
    },
    end: (succeeded) => endPhase(output.nowMs(), succeeded),
  };
}
