import { formatCount, formatDuration, formatSize } from '../format.ts';
import { fractionOf, type ProgressState, rateOf, remainingMs } from './progress-state.ts';

const BAR_WIDTH = 24;

/**
 * The line a terminal shows: phase, bar, share, bytes, rate, time left, what was new. Parts are left out from the
 * least important on until it fits into `width` columns; it never wraps.
 */
export function renderBar(state: ProgressState, nowMs: number, width: number): string {
  const fraction = fractionOf(state);
  const parts: readonly { readonly text: string | null; readonly importance: number }[] = [
    { text: state.phase, importance: 9 },
    { text: fraction === null ? null : bar(fraction), importance: 2 },
    { text: fraction === null ? null : `${Math.floor(fraction * 100)}%`, importance: 8 },
    { text: amountOf(state), importance: 7 },
    { text: rateText(state, nowMs), importance: 4 },
    { text: remainingText(state, nowMs), importance: 6 },
    { text: newText(state), importance: 3 },
  ];
  const shown = parts.filter((part) => part.text !== null);
  const join = () => shown.map((part) => part.text).join('  ');
  while (shown.length > 1 && join().length >= width) {
    const least = shown.reduce((a, b) => (b.importance < a.importance ? b : a));
    shown.splice(shown.indexOf(least), 1);
  }
  return join().slice(0, Math.max(0, width - 1));
}

/** The line for logs: the same facts without a bar, with the time the phase took so far. */
export function renderLine(state: ProgressState, nowMs: number): string {
  const fraction = fractionOf(state);
  const facts = [
    fraction === null ? null : `${Math.floor(fraction * 100)}%`,
    amountOf(state),
    rateText(state, nowMs),
    remainingText(state, nowMs),
    newText(state),
  ].filter((fact) => fact !== null);
  return `${state.phase}: ${[...facts, formatDuration(nowMs - state.startedAtMs)].join(', ')}`;
}

/** What stays to be read when a phase has ended. */
export function renderPhaseEnd(state: ProgressState, nowMs: number): string {
  const facts = [
    state.bytes > 0 ? formatSize(state.bytes) : null,
    state.entries > 0 ? formatCount(state.entries, 'entry', 'entries') : null,
    newText(state),
    formatDuration(nowMs - state.startedAtMs),
  ].filter((fact) => fact !== null);
  return `${state.phase}: done, ${facts.join(', ')}`;
}

function bar(fraction: number): string {
  const filled = Math.floor(fraction * BAR_WIDTH);
  return `[${'='.repeat(filled)}${filled < BAR_WIDTH ? '>' : ''}${' '.repeat(Math.max(0, BAR_WIDTH - filled - 1))}]`;
}

function amountOf(state: ProgressState): string | null {
  if (state.bytes === 0 && state.entries > 0) {
    return state.totalEntries === null
      ? formatCount(state.entries, 'entry', 'entries')
      : `${state.entries.toLocaleString('en-US')} of ${formatCount(state.totalEntries, 'entry', 'entries')}`;
  }
  if (state.bytes === 0 && state.totalBytes === null) return null;
  const total = state.totalBytes !== null && state.totalBytes >= state.bytes ? state.totalBytes : null;
  return total === null
    ? formatSize(state.bytes)
    : `${formatSize(state.bytes)} of ${state.isAbout ? 'about ' : ''}${formatSize(total)}`;
}

function rateText(state: ProgressState, nowMs: number): string | null {
  const rate = rateOf(state, nowMs);
  return rate === null || state.bytes === 0 ? null : `${formatSize(rate)}/s`;
}

function remainingText(state: ProgressState, nowMs: number): string | null {
  const left = remainingMs(state, nowMs);
  if (left === null) return null;
  const seconds = Math.max(1, Math.round(left / 1000));
  return `${seconds < 60 ? `${seconds} s` : formatDuration(seconds * 1000)} left`;
}

function newText(state: ProgressState): string | null {
  return state.storedBytes === 0 ? null : `${formatSize(state.storedBytes)} new`;
}
