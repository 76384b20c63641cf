import type { BackupProfile } from './engine-door.ts';
import { formatDuration } from './format.ts';

/** What each stage does, in the words of `--profile`. */
const READER = [
  ['cut', 'finding where chunks end'],
  ['find', 'looking up what is stored already'],
  ['wait', 'waiting for the workers'],
] as const;
const WORKERS = [
  ['identify', 'ids of chunks (HMAC-SHA-256)'],
  ['digest', 'hash of the whole (SHA-256)'],
  ['difference', 'differences against the backup before'],
  ['compress', 'compressing (zstd)'],
  ['encrypt', 'encrypting (AES-256-GCM) and naming packs'],
] as const;

interface Line {
  readonly what: string;
  readonly ms: number;
  /** Of the time its threads had. */
  readonly share: number;
}

/** Where the time of a backup went, as lines with their share, and which stage set the pace. */
export function renderProfile({ durationMs, workers, stages }: BackupProfile): string {
  const reader: Line[] = READER.map(([stage, what]) => line(what, stages[stage], durationMs));
  const own = reader.reduce((sum, { ms }) => sum + ms, 0);
  reader.unshift(line('reading the source, or waiting for it', Math.max(0, durationMs - own), durationMs));
  const spent = WORKERS.map(([stage, what]) => line(what, stages[stage], durationMs * workers));
  const busy = spent.reduce((sum, { ms }) => sum + ms, 0);
  spent.push(line('nothing to do', Math.max(0, durationMs * workers - busy), durationMs * workers));
  const threads = workers === 1 ? '1 worker' : `${workers} workers`;
  return [
    `time of the reading thread (${formatDuration(durationMs)}):\n${reader.map(renderLine).join('')}`,
    `time of ${threads} (${formatDuration(durationMs * workers)}):\n${spent.map(renderLine).join('')}`,
    `storing packs took ${formatDuration(stages.store)}, several at once\n`,
    `slowest: ${slowestStage({ durationMs, workers, stages })}\n`,
  ].join('');
}

/** What the backup would wait for if everything else took no time. */
export function slowestStage({ durationMs, workers, stages }: BackupProfile): string {
  const read = Math.max(0, durationMs - stages.cut - stages.find - stages.wait);
  const candidates: [string, number][] = [
    ['reading the source', read],
    ['finding where chunks end', stages.cut],
    ['looking up what is stored already', stages.find],
    ...WORKERS.map(([stage, what]): [string, number] => [what, stages[stage] / workers]),
  ];
  return candidates.reduce((slowest, one) => (one[1] > slowest[1] ? one : slowest))[0];
}

const line = (what: string, ms: number, of: number): Line => ({ what, ms, share: of > 0 ? ms / of : 0 });

const renderLine = ({ what, ms, share }: Line) =>
  `  ${`${Math.round(share * 100)}%`.padStart(4)}  ${formatDuration(ms).padStart(7)}  ${what}\n`;
