import { useLanguage } from '../texts/texts.ts';
import { clockText, relativeText, timeText, utcText } from '../texts/values.ts';

interface WhenProps {
  readonly at: string;
  readonly relative?: boolean;
  /** Of today, to the second. */
  readonly withSeconds?: boolean;
}

/** A time in the viewer's zone; UTC shows when one points at it. */
export function When({ at, relative = false, withSeconds = false }: WhenProps) {
  const language = useLanguage();
  const text = relative ? relativeText : withSeconds ? clockText : timeText;
  return (
    <time dateTime={at} title={utcText(at)}>
      {text(at, language)}
    </time>
  );
}
