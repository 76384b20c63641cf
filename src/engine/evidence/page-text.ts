/** Text for the page, the same on every machine. */

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text that cannot become markup, and nothing else changed. */
export function asMarkup(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}

/** The same for people: control characters, and marks that turn the direction of writing around, are shown as what they are. */
export function escaped(text: string): string {
  return asMarkup(text).replace(/(?![\n\t])[\p{Cc}\p{Cf}]/gu, (character) => {
    return `\\u${character.codePointAt(0)!.toString(16).padStart(4, '0')}`;
  });
}

/** Takes back what `asMarkup` did. */
export function unescaped(text: string): string {
  return text.replace(/&(amp|lt|gt|quot|#39);/g, (entity) => {
    return Object.keys(ENTITIES).find((character) => ENTITIES[character] === entity)!;
  });
}

/** `850 ms`, `12.3 s`, `4 min 5 s`, `3 h 20 min`, `2 d 4 h`. */
export function durationText(ms: number): string {
  if (ms < 1000) return `${ms} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const [big, small, per, names] =
    ms < 3_600_000
      ? [Math.floor(ms / 60_000), Math.floor(ms / 1000), 60, ['min', 's']]
      : ms < 86_400_000
        ? [Math.floor(ms / 3_600_000), Math.floor(ms / 60_000), 60, ['h', 'min']]
        : [Math.floor(ms / 86_400_000), Math.floor(ms / 3_600_000), 24, ['d', 'h']];
  const rest = small % per;
  return `${big} ${names[0]}${rest > 0 ? ` ${rest} ${names[1]}` : ''}`;
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

export function bytesText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  for (; value >= 1000 && unit < UNITS.length - 1; unit += 1) value /= 1000;
  return `${unit === 0 ? value : value.toFixed(value < 10 ? 1 : 0)} ${UNITS[unit]}`;
}

/** `2026-11-21 03:00:05 UTC`. */
export function timeText(time: string): string {
  return `${time.slice(0, 10)} ${time.slice(11, 19)} UTC`;
}
