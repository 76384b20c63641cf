import { useSyncExternalStore } from 'react';
import { type Language, useLanguage } from './texts.ts';

type German = typeof import('./server/german-words.ts');
/** What the server says of an error. */
export interface SaidError {
  readonly code: string;
  readonly message: string;
  readonly next?: string;
}

export interface Words {
  readonly text: string;
  /** The language they are in: what has no translation stays in the server's own words. */
  readonly lang: Language;
}

let german: German | null = null;
let isLoading = false;
const listeners = new Set<() => void>();

/** Loaded when the first words of the server are shown in German; until then, and when it fails, they are its own. */
function load(): void {
  if (german || isLoading) return;
  isLoading = true;
  void import('./server/german-words.ts')
    .then((loaded) => {
      german = loaded;
      for (const listener of listeners) listener();
    })
    .catch(() => {})
    .finally(() => {
      isLoading = false;
    });
}

const onChange = (listener: () => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

/** Messages of the server begin in lower case and have no full stop. */
export const sentence = (text: string) =>
  text === '' ? '' : `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?…]$/.test(text) ? '' : '.'}`;

export interface Said {
  /** As a sentence. */
  readonly words: (text: string) => Words;
  /** As part of a line: a field's problem, a phase. */
  readonly part: (text: string) => string;
  readonly phase: (name: string) => string;
  /** What happened, by its code; then the server's own words about it, when they say more. */
  readonly problem: (error: SaidError) => { readonly title: Words; readonly more: Words | null };
  readonly next: (error: SaidError) => Words | null;
  /** All of it in one line. */
  readonly line: (error: SaidError) => string;
}

/** What the server says, in the language of the page as far as it has words for it. */
export function useSaid(): Said {
  const isGerman = useLanguage() === 'de';
  const loaded = useSyncExternalStore(onChange, () => german);
  if (isGerman) load();
  const known = isGerman ? loaded : null;
  const translated = (text: string) => known?.translate(text) ?? null;
  const words = (text: string): Words => {
    const own = translated(text);
    return { text: sentence(own ?? text), lang: own === null ? 'en' : 'de' };
  };
  const problem = ({ code, message }: SaidError) => {
    const whole = words(message);
    const what = known?.what(code);
    if (whole.lang === 'de' || !what) return { title: whole, more: null };
    return { title: { text: sentence(what), lang: 'de' as const }, more: message === '' ? null : whole };
  };
  return {
    words,
    part: (text) => translated(text) ?? text,
    phase: (name) => known?.phase(name) ?? name,
    problem,
    next({ next }) {
      if (!next) return null;
      const text = translated(next);
      return { text: text ?? next, lang: text === null ? 'en' : 'de' };
    },
    line(error) {
      const { title, more } = problem(error);
      return more ? `${title.text} (${error.message})` : title.text;
    },
  };
}
