import { useLanguage } from '../texts/texts.ts';
import { relativeText, timeText, utcText } from '../texts/values.ts';

/** A time in the viewer's zone; UTC shows when one points at it. */
export function When({ at, relative = false }: { readonly at: string; readonly relative?: boolean }) {
  const language = useLanguage();
  return (
    <time dateTime={at} title={utcText(at)}>
      {relative ? relativeText(at, language) : timeText(at, language)}
    </time>
  );
}
