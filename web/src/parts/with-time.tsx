import { When } from './when.tsx';

interface WithTimeProps {
  /** With a gap `{when}`. */
  readonly text: string;
  readonly at: string;
  readonly relative?: boolean;
}

/** A sentence with a time in it, of which UTC shows when one points at it. */
export function WithTime({ text, at, relative = false }: WithTimeProps) {
  const [before, after] = text.split('{when}');
  return (
    <>
      {before}
      <When at={at} relative={relative} />
      {after}
    </>
  );
}
