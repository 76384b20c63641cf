/** Numbers and times as people read them, in their language. */
import type { Language } from './texts.ts';

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;
const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Of one language, the country's habits that the browser knows: 21 Nov or Nov 21. */
const localeOf = (language: Language) =>
  navigator.languages.find((one) => one === language || one.startsWith(`${language}-`)) ?? language;

/** To make a format takes a hundred times as long as to use it, and a list needs the same few again and again. */
function kept<O, F>(make: (locale: string, options: O) => F): (locale: string, options: O) => F {
  const formats = new Map<string, F>();
  return (locale, options) => {
    const key = `${locale} ${JSON.stringify(options)}`;
    const known = formats.get(key) ?? make(locale, options);
    formats.set(key, known);
    return known;
  };
}
export const numberFormat = kept(
  (locale, options: Intl.NumberFormatOptions) => new Intl.NumberFormat(locale, options),
);
const timeFormat = kept(
  (locale, options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(locale, options),
);
const ageFormat = kept(
  (locale, options: Intl.RelativeTimeFormatOptions) => new Intl.RelativeTimeFormat(locale, options),
);

export const numberText = (value: number | null, language: Language): string =>
  value === null ? '–' : numberFormat(language, {}).format(value);

export function sizeText(bytes: number | null, language: Language): string {
  if (bytes === null) return '–';
  const power = bytes < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  const digits = power === 0 || value >= 100 ? 0 : 1;
  return `${numberFormat(language, { maximumFractionDigits: digits }).format(value)} ${UNITS[power]}`;
}

export function durationText(seconds: number, language: Language): string {
  const unit = (value: number, name: string) =>
    numberFormat(language, {
      style: 'unit',
      unit: name,
      unitDisplay: 'short',
      maximumFractionDigits: 0,
    }).format(value);
  if (seconds < 1) return `< ${unit(1, 'second')}`;
  if (seconds < MINUTE) return unit(seconds, 'second');
  if (seconds < HOUR) return unit(seconds / MINUTE, 'minute');
  return seconds < DAY ? unit(seconds / HOUR, 'hour') : unit(seconds / DAY, 'day');
}

/** `3 hours ago`, `in 2 days`. */
export function relativeText(time: string, language: Language, nowMs = Date.now()): string {
  const seconds = (Date.parse(time) - nowMs) / 1000;
  const size = Math.abs(seconds);
  const format = ageFormat(language, { numeric: 'auto' });
  if (size < MINUTE) return format.format(Math.round(seconds), 'second');
  if (size < HOUR) return format.format(Math.round(seconds / MINUTE), 'minute');
  if (size < DAY) return format.format(Math.round(seconds / HOUR), 'hour');
  return format.format(Math.round(seconds / DAY), 'day');
}

export const timeText = (time: string, language: Language) =>
  timeFormat(localeOf(language), { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(time));

export const utcText = (time: string) => `${time.slice(0, 19).replace('T', ' ')} UTC`;

export const clockText = (time: string, language: Language) =>
  timeFormat(localeOf(language), { timeStyle: 'medium' }).format(new Date(time));
