const SIZE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** `0 B`, `999 B`, `1.5 KiB`, `12 MiB`: three digits at most, never `1024`. */
export function formatSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < SIZE_UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 9.95 ? 0 : 1;
  return `${value.toFixed(digits)} ${SIZE_UNITS[unit]}`;
}

/** `350 ms`, `12 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 9_950) return `${(milliseconds / 1000).toFixed(1)} s`;
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return pair(seconds, 60, 'min', 's');
  if (seconds < 86_400) return pair(Math.floor(seconds / 60), 60, 'h', 'min');
  return pair(Math.floor(seconds / 3600), 24, 'd', 'h');
}

function pair(value: number, per: number, unit: string, smaller: string): string {
  const rest = value % per;
  return `${Math.floor(value / per)} ${unit}${rest > 0 ? ` ${rest} ${smaller}` : ''}`;
}

const AGES: readonly [limitMs: number, unitMs: number, name: string][] = [
  [60 * 60_000, 60_000, 'minute'],
  [48 * 3_600_000, 3_600_000, 'hour'],
  [60 * 86_400_000, 86_400_000, 'day'],
  [730 * 86_400_000, 30.44 * 86_400_000, 'month'],
  [Number.POSITIVE_INFINITY, 365.25 * 86_400_000, 'year'],
];

/** `just now`, `5 minutes ago`, `in 2 hours`. */
export function formatAge(timeMs: number, nowMs: number): string {
  const distance = Math.abs(nowMs - timeMs);
  if (distance < 60_000) return 'just now';
  const [, unitMs, name] = AGES.find(([limitMs]) => distance < limitMs)!;
  const number = Math.floor(distance / unitMs);
  const text = `${number} ${name}${number === 1 ? '' : 's'}`;
  return timeMs > nowMs ? `in ${text}` : `${text} ago`;
}

/** `2026-11-21 03:00:05` in UTC. */
export function formatTime(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 19).replace('T', ' ');
}

/** `1 file`, `1,204 files`. */
export function formatCount(number: number, singular: string, plural = `${singular}s`): string {
  return `${number.toLocaleString('en-US')} ${number === 1 ? singular : plural}`;
}

/**
 * Makes text from a backup or a database safe to show: control characters, which could move the cursor or
 * forge lines, and direction marks become `\xNN` or `\u{NNNN}`.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => {
    const code = character.codePointAt(0)!;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
}
