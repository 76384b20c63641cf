/**
 * Passwords that guessers try first, as NIST SP 800-63B (3.1.1.2) and ASVS (6.2.4) ask. The most common ones of the length that is
 * accepted here are words, names and walks over the keyboard with digits or signs around them, or written twice; so these are
 * recognised by rule from a list of what they are made of, instead of being listed one by one.
 */
import { readFileSync } from 'node:fs';

/** What people write around a word: a year, a date, signs. Longer than this it is no habit any more. */
const AROUND_AT_MOST = 8;
const SHORT_BLOCK = 6;
/** Longer pairs of words are too many to be tried first. */
const PAIR_AT_MOST = 13;
const SHORTEST_PART = 3;
/** Digits alone: dates, telephone numbers, sequences. */
const DIGITS_AT_MOST = 16;
/** In characters: how far one goes on average before the finger leaps. */
const WALK = 3;
const AFFIX =
  /^(my|the|new|old|ilove|love|iam|mr|miss|super|big|hello|test|admin|pass|password|best|real|not)/;

const SIGNS: Readonly<Record<string, string>> = {
  ...{ '0': 'o', '1': 'i', '3': 'e', '4': 'a', '5': 's', '7': 't', '8': 'b' },
  ...{ '@': 'a', $: 's', '!': 'i', '€': 'e', '+': 't', '|': 'l' },
};

let words: ReadonlySet<string> | null = null;

/** Read when the first password is set. */
function commonWords(): ReadonlySet<string> {
  const file = new URL('./common-passwords.txt', import.meta.url);
  words ??= new Set(readFileSync(file, 'utf8').split(/\s+/).filter(Boolean));
  return words;
}

/** `password` in any case. True when it is among the most common ones of its length, or made as they are. */
export function isCommonPassword(password: string): boolean {
  const plain = password.normalize('NFC').toLowerCase();
  return isNumber(plain) || isWalk(plain) || isRepeated(plain) || isWord(plain);
}

const isNumber = (plain: string) => /^[\d .,/+:-]+$/.test(plain) && plain.length < DIGITS_AT_MOST;

/** A word with digits and signs before or behind it, also with some of its letters replaced by signs that look like them. */
function isWord(plain: string): boolean {
  return [plain, likeLetters(plain, 'i'), likeLetters(plain, 'l')].some((text, i) => {
    // Signs at the ends may be letters, or decoration.
    const trimmed = i === 0 ? plain : likeLetters(withoutEnds(plain), i === 1 ? 'i' : 'l');
    return [text, trimmed].some((one) => isCommonCore(withoutEnds(one), plain.length));
  });
}

function isCommonCore(core: string, length: number): boolean {
  if (core.length === 0 || length - core.length > AROUND_AT_MOST) return false;
  return [core, core.replace(/[^\p{L}]+/gu, ''), core.replace(AFFIX, '')].some(isListed) || isPair(core);
}

/** Also in the plural, and with the ending of somebody who does it. */
const isListed = (word: string) =>
  commonWords().has(word) || commonWords().has(word.replace(/(s|es|er|ers)$/, ''));

/** Two common words written together and nothing else: there are few of them. */
function isPair(core: string): boolean {
  if (core.length > PAIR_AT_MOST) return false;
  for (let at = SHORTEST_PART; at <= core.length - SHORTEST_PART; at += 1) {
    if (isListed(core.slice(0, at)) && isListed(core.slice(at))) return true;
  }
  return false;
}

const withoutEnds = (text: string) => text.replace(/^[^\p{L}]+|[^\p{L}]+$/gu, '');

const likeLetters = (text: string, one: 'i' | 'l') =>
  [...text].map((char) => (char === '1' ? one : (SIGNS[char] ?? char))).join('');

/** `abcabcabc`, `hellohello`: something short over and over, or something common twice. */
function isRepeated(plain: string): boolean {
  for (let size = 1; size <= plain.length / 2; size += 1) {
    const block = plain.slice(0, size);
    const isSo = block.repeat(Math.ceil(plain.length / size)).startsWith(plain);
    if (isSo && (size <= SHORT_BLOCK || isNumber(block) || isWalk(block) || isWord(block))) return true;
  }
  return false;
}

const ROWS = ['1234567890-=', 'qwertyuiop[]', "asdfghjkl;'", 'zxcvbnm,./'] as const;
const PLACES: ReadonlyMap<string, readonly [number, number]> = new Map(
  ROWS.flatMap((row, y) => [...row].map((char, x) => [char, [x, y]] as const)),
);

/** Runs of keys that lie beside each other, or of letters in the order of the alphabet; also two of them, turn by turn. */
function isWalk(plain: string): boolean {
  const chars = [...plain];
  const [even, odd] = [0, 1].map((rest) => chars.filter((_, i) => i % 2 === rest));
  return isRun(chars) || (isRun(even!) && isRun(odd!));
}

function isRun(chars: readonly string[]): boolean {
  const leaps = chars.slice(1).filter((char, i) => !isBeside(chars[i]!, char)).length;
  return chars.length >= WALK * (leaps + 1);
}

function isBeside(one: string, other: string): boolean {
  if (Math.abs(one.codePointAt(0)! - other.codePointAt(0)!) <= 1) return true;
  const [a, b] = [PLACES.get(one), PLACES.get(other)];
  return a !== undefined && b !== undefined && Math.abs(a[0] - b[0]) <= 1 && Math.abs(a[1] - b[1]) <= 1;
}
