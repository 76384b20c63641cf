import { nextsGerman, problemsGerman } from './problems-german.ts';
import { refusalsGerman } from './refusals-german.ts';
import { phasesGerman, sentencesGerman } from './sentences-german.ts';
import { boundsGerman, countsGerman, validationGerman } from './validation-german.ts';

interface Sentence {
  readonly pattern: RegExp;
  readonly gaps: readonly string[];
  readonly german: string;
}

/** What programs said when they failed may be long, and is theirs. */
const LONGEST = 600;
const GAP = /\{(\w+)\}/g;
const NUMBER = /^\d+(\.\d+)?$/;

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** Text and names of gaps take turns. What a gap `more` stands for may be missing; a number begins with a digit. */
const asPattern = (part: string, i: number) =>
  i % 2 === 0 ? escaped(part) : part === 'more' ? '(.*?)' : /^n\d?$/.test(part) ? '(\\d.*?)' : '(.+?)';

/** Those that say more between their gaps come first: `{target} is there already` fits much. */
const patternsOf = (texts: Readonly<Record<string, string>>): readonly Sentence[] =>
  Object.entries(texts)
    .map(([english, german]) => ({
      german,
      gaps: [...english.matchAll(GAP)].map(([, name]) => name!),
      fixed: english.replace(GAP, '').length,
      pattern: new RegExp(`^${english.split(GAP).map(asPattern).join('')}$`, 's'),
    }))
    .sort((a, b) => b.fixed - a.fixed);

const sentences = patternsOf({
  ...{ ...nextsGerman, ...sentencesGerman, ...refusalsGerman },
  ...{ ...validationGerman, ...boundsGerman, ...countsGerman },
});
const phases = patternsOf(phasesGerman);

/** Null for what has no translation. In front of a sentence may stand whom it is about: `main: …`. */
export function translate(text: string): string | null {
  if (text.length > LONGEST) return null;
  // Several in a row would fit one of them that has much room.
  const parts = text.split('; ');
  const inParts = parts.length > 1 ? allOf(parts.map(translate), '; ') : null;
  const whole = inParts ?? sentenceOf(text);
  if (whole !== null || parts.length > 1) return whole;
  const [, about, rest] = /^(\S+) (.+)$/s.exec(text) ?? [];
  if (about === undefined || rest === undefined) return null;
  const said = about.endsWith(':') ? translate(rest) : sentenceOf(rest);
  return said === null ? null : `${about} ${said}`;
}

function sentenceOf(text: string, among = sentences): string | null {
  for (const { pattern, gaps, german } of among) {
    const found = pattern.exec(text);
    if (!found) continue;
    const values = new Map(gaps.map((name, i) => [name, filling(name, found[i + 1]!)]));
    return german.replace(GAP, (_, name: string) => values.get(name) ?? '');
  }
  return null;
}

/** A sentence may stand within another. */
function filling(name: string, text: string): string {
  if (/^n\d?$/.test(name)) return NUMBER.test(text) ? Number(text).toLocaleString('de') : text;
  if (name === 'names') return text.replaceAll(' or ', ' oder ');
  return /^(message|reason|why|next|count)$/.test(name) ? (translate(text) ?? text) : text;
}

const allOf = (parts: readonly (string | null)[], between: string) =>
  parts.every((part) => part !== null) ? parts.join(between) : null;

export const what = (code: string): string | null => problemsGerman[code] ?? null;

export const phase = (name: string): string => phasesGerman[name] ?? sentenceOf(name, phases) ?? name;
