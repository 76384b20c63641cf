import { useSyncExternalStore } from 'react';
import { english, type TextKey } from './english.ts';
import { german } from './german.ts';

export type { TextKey } from './english.ts';
export type Language = 'en' | 'de';

const STORED = 'holdfast-language';
const TEXTS = { en: english, de: german } as const;
const listeners = new Set<() => void>();
let language: Language = firstLanguage();
document.documentElement.lang = language;

function firstLanguage(): Language {
  const stored = localStorage.getItem(STORED);
  if (stored === 'en' || stored === 'de') return stored;
  return navigator.language.startsWith('de') ? 'de' : 'en';
}

export function setLanguage(next: Language): void {
  language = next;
  localStorage.setItem(STORED, next);
  document.documentElement.lang = next;
  for (const listener of listeners) listener();
}

/** The language chosen; a component that uses it is drawn anew when it changes. */
export function useLanguage(): Language {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => language,
  );
}

export type Translate = (key: TextKey, values?: Readonly<Record<string, string | number>>) => string;

/** Texts in the chosen language. */
export function useTexts(): Translate {
  const chosen = TEXTS[useLanguage()];
  return (key, values = {}) =>
    chosen[key].replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}
