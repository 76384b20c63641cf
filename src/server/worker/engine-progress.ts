import type { Progress } from '../../engine/index.ts';
import type { JobContext } from '../jobs/port.ts';

/** The rate is that of the last seconds: it follows changes without jumping. */
const WINDOW_MS = 10_000;
const SAMPLE_MS = 500;

interface Phase {
  readonly name: string;
  bytesTotal: number | null;
  readonly entriesTotal: number | null;
  bytes: number;
  stored: number;
  entries: number;
  /** Of the last seconds, oldest first. */
  samples: { readonly atMs: number; readonly bytes: number }[];
}

/** The engine's progress as reports of a job. The engine calls often, so that little is done unless half a second passed. */
export function engineProgress(
  { report, warn }: Pick<JobContext, 'report' | 'warn'>,
  nowMs: () => number = () => performance.now(),
): Progress {
  let phase = newPhase('', {}, nowMs());
  return {
    phase(name, total) {
      phase = newPhase(name, total, nowMs());
      report(reportOf(phase));
    },
    estimate({ bytes }) {
      phase.bytesTotal = bytes;
      report(reportOf(phase));
    },
    advance({ bytes = 0, storedBytes = 0, entries = 0 }) {
      phase.bytes += bytes;
      phase.stored += storedBytes;
      phase.entries += entries;
      const atMs = nowMs();
      if (atMs - phase.samples.at(-1)!.atMs < SAMPLE_MS) return;
      const recent = phase.samples.filter((sample) => atMs - sample.atMs <= WINDOW_MS);
      phase.samples = [...recent, { atMs, bytes: phase.bytes }];
      report(reportOf(phase));
    },
    warn,
  };
}

function newPhase(
  name: string,
  total: { bytes?: number | null; entries?: number | null },
  atMs: number,
): Phase {
  const totals = { bytesTotal: total.bytes ?? null, entriesTotal: total.entries ?? null };
  return { name, ...totals, bytes: 0, stored: 0, entries: 0, samples: [{ atMs, bytes: 0 }] };
}

function reportOf(phase: Phase) {
  const first = phase.samples[0]!;
  const last = phase.samples.at(-1)!;
  const rate = last === first ? null : ((last.bytes - first.bytes) * 1000) / (last.atMs - first.atMs);
  const isKnown = rate !== null && rate > 0 && phase.bytesTotal !== null && phase.bytes <= phase.bytesTotal;
  return {
    phase: phase.name,
    bytesDone: phase.bytes,
    bytesTotal: phase.bytesTotal,
    bytesStored: phase.stored,
    entriesDone: phase.entries,
    entriesTotal: phase.entriesTotal,
    bytesPerSecond: rate === null ? null : Math.round(rate),
    secondsLeft: isKnown ? Math.round((phase.bytesTotal! - phase.bytes) / rate!) : null,
  };
}
