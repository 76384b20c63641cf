/** Invented language: words that occur as often as words do, so that text compresses as text does. */
import { type Random, randomOf } from '../random.ts';

const SYLLABLES = (
  'ba be bi bo da de di do fa fe ga ge gi go ha he ka ke ki ko la le li lo ma me mi mo na ne ni no pa pe pi po ra re ' +
  'ri ro sa se si so ta te ti to va ve wa we za an en in on ar er or as es is al el il st nd rt'
).split(' ');
const VOCABULARY_WORDS = 6000;
const vocabulary = inventWords(VOCABULARY_WORDS);

function inventWords(count: number): string[] {
  const random = randomOf(0x5eed);
  const words = new Set<string>();
  while (words.size < count) {
    // Frequent words are short: the first ones invented are the most used.
    const syllables = 1 + random.integer(2 + Math.floor((2.5 * words.size) / count));
    words.add(Array.from({ length: syllables }, () => random.pick(SYLLABLES)).join(''));
  }
  return [...words];
}

/** The chance falls with the rank, as in Zipf's law. */
const word = (random: Random) => vocabulary[Math.floor(VOCABULARY_WORDS ** random.fraction()) - 1]!;

export function words(random: Random, count: number): string {
  let text = word(random);
  for (let i = 1; i < count; i += 1) text += ` ${word(random)}`;
  return text;
}

/** Sentences in paragraphs, at least `length` characters. */
export function prose(random: Random, length: number): string {
  let text = '';
  while (text.length < length) {
    const sentence = words(random, 4 + random.integer(14));
    text += `${sentence[0]!.toUpperCase()}${sentence.slice(1)}${random.integer(6) === 0 ? '.\n' : '. '}`;
  }
  return text;
}

export const capital = (text: string) => text[0]!.toUpperCase() + text.slice(1);

export const name = (random: Random) => capital(word(random) + random.pick(SYLLABLES));

/** Hexadecimal digits, none of which can be guessed. */
export function hex(random: Random, digits: number): string {
  let text = '';
  while (text.length < digits)
    text += random
      .integer(2 ** 32)
      .toString(16)
      .padStart(8, '0');
  return text.slice(0, digits);
}

export function uuid(random: Random): string {
  const digits = hex(random, 30);
  return (
    `${digits.slice(0, 8)}-${digits.slice(8, 12)}-4${digits.slice(12, 15)}-` +
    `a${digits.slice(15, 18)}-${digits.slice(18)}`
  );
}
