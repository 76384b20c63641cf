import type { Language } from '../texts/texts.ts';
import { durationText, numberFormat } from '../texts/values.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;

/** Short times to the tenth of a second, so that phases can be compared; `–` for none. */
export function preciseText(ms: number | null, language: Language): string {
  if (ms === null) return '–';
  if (ms >= MINUTE_MS) return durationText(ms / SECOND_MS, language);
  const [value, unit] = ms < SECOND_MS ? [Math.round(ms), 'millisecond'] : [ms / SECOND_MS, 'second'];
  return numberFormat(language, {
    ...{ style: 'unit', unit, unitDisplay: 'short', maximumFractionDigits: 1 },
  } as Intl.NumberFormatOptions).format(value as number);
}
