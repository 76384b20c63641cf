import { useSyncExternalStore } from 'react';
import type { TextKey } from './english.ts';

export type { TextKey } from './english.ts';
export type Language = 'en' | 'de';
type Texts = Readonly<Record<TextKey, string>>;

const STORED = 'holdfast-language';
/** Only the texts of the language in use are loaded. */
const LOAD: Readonly<Record<Language, () => Promise<Texts>>> = {
  en: async () => (await import('./english.ts')).english,
  de: async () => (await import('./german.ts')).german,
};
const listeners = new Set<() => void>();
let shown: { readonly language: Language; readonly texts: Texts };

function firstLanguage(): Language {
  const stored = localStorage.getItem(STORED);
  if (stored === 'en' || stored === 'de') return stored;
  return navigator.language.startsWith('de') ? 'de' : 'en';
}

async function show(language: Language): Promise<void> {
  shown = { language, texts: await LOAD[language]() };
  document.documentElement.lang = language;
}

/** Awaited before anything is drawn. */
export const loadTexts = () => show(firstLanguage());

/** Rejects, and changes nothing, when the server does not give the texts. */
export async function setLanguage(next: Language): Promise<void> {
  await show(next);
  localStorage.setItem(STORED, next);
  for (const listener of listeners) listener();
}

const onChange = (listener: () => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};
const useShown = () => useSyncExternalStore(onChange, () => shown);

/** The language chosen; a component that uses it is drawn anew when it changes. */
export const useLanguage = (): Language => useShown().language;

export type Values = Readonly<Record<string, string | number>>;
export type Translate = (key: TextKey, values?: Values) => string;

/** `{name}` is filled in; a gap without a value stays. */
export const filled = (text: string, values: Values) =>
  text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));

/** Texts in the chosen language. */
export function useTexts(): Translate {
  const { texts } = useShown();
  return (key, values = {}) => filled(texts[key], values);
}
