import { Text } from '@mantine/core';
import { type SaidError, useSaid, type Words } from '../texts/server-words.ts';
import { useLanguage, useTexts } from '../texts/texts.ts';

/** Marked where they are in another language than the page: a reading voice changes with it. */
export function Spoken({ words: { text, lang } }: { readonly words: Words }) {
  return lang === useLanguage() ? text : <span lang={lang}>{text}</span>;
}

/** A sentence of the server. */
export function Said({ text }: { readonly text: string }) {
  return <Spoken words={useSaid().words(text)} />;
}

/** What went wrong, in one line. */
export function SaidLine({ error }: { readonly error: SaidError }) {
  const { title, more } = useSaid().problem(error);
  return (
    <>
      <Spoken words={title} />
      {more && (
        <>
          {' '}
          <Spoken words={more} />
        </>
      )}
    </>
  );
}

/** What comes next, if anything does. */
export function NextStep({ error }: { readonly error: SaidError }) {
  const t = useTexts();
  const next = useSaid().next(error);
  if (!next) return null;
  // The server's own words stand in a sentence of the page.
  const [before, after] = t('problem.next').split('{next}');
  return (
    <Text size="sm">
      {before}
      <Spoken words={next} />
      {after}
    </Text>
  );
}

/** What went wrong, and the next step. */
export function SaidProblem({ error }: { readonly error: SaidError }) {
  const { title, more } = useSaid().problem(error);
  return (
    <div>
      <Text fw={600}>
        <Spoken words={title} />
      </Text>
      {more && (
        <Text size="sm">
          <Spoken words={more} />
        </Text>
      )}
      <NextStep error={error} />
    </div>
  );
}
