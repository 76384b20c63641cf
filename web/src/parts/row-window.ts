import { type RefObject, useLayoutEffect, useRef, useState } from 'react';

/** As many rows a browser lays out without anybody noticing; and what is laid out is found by the browser's own search. */
const WHOLE_UP_TO = 200;
/** Kept above and below what is seen, so that nothing is empty while one scrolls. */
const SPARE = 16;
/** The window moves by so many rows at once. */
const STEP = 8;

export interface RowWindow {
  readonly first: number;
  /** Not included. */
  readonly end: number;
  /** Pixels in place of the rows above and below. */
  readonly above: number;
  readonly below: number;
}

/**
 * Of a long table the rows near what is seen; null for a table that is shown whole. Rows count as alike in height: their height is
 * measured when the table becomes long, and after the window changes its width.
 */
export function useRowWindow(body: RefObject<HTMLElement | null>, count: number): RowWindow | null {
  const isLong = count > WHOLE_UP_TO;
  const height = useRef(0);
  const [first, setFirst] = useState(0);
  const [shown, setShown] = useState(WHOLE_UP_TO);
  useLayoutEffect(() => {
    if (!isLong) return;
    let frame = 0;
    const look = () => {
      frame = 0;
      const element = body.current;
      if (!element) return;
      if (height.current === 0) height.current = heightOfRows(element);
      if (height.current === 0) return;
      const passed = Math.floor(-element.getBoundingClientRect().top / height.current) - SPARE;
      setFirst(Math.max(0, Math.floor(passed / STEP) * STEP));
      setShown(Math.ceil(window.innerHeight / height.current) + 2 * SPARE + STEP);
    };
    const soon = () => {
      frame ||= requestAnimationFrame(look);
    };
    const resized = () => {
      height.current = 0;
      soon();
    };
    look();
    window.addEventListener('scroll', soon, { passive: true });
    window.addEventListener('resize', resized);
    return () => {
      cancelAnimationFrame(frame);
      window.removeEventListener('scroll', soon);
      window.removeEventListener('resize', resized);
    };
  }, [isLong, body]);
  if (!isLong || height.current === 0) return isLong ? { ...WHOLE, end: WHOLE_UP_TO } : null;
  const from = Math.min(first, Math.max(0, count - shown));
  const end = Math.min(count, from + shown);
  return { first: from, end, above: from * height.current, below: (count - end) * height.current };
}

const WHOLE: RowWindow = { first: 0, end: 0, above: 0, below: 0 };

/** On average, of the rows that are there; the space above and below is no row. */
function heightOfRows(body: HTMLElement): number {
  const rows = [...body.children].filter((row) => !row.hasAttribute('data-space'));
  const total = rows.reduce((sum, row) => sum + row.getBoundingClientRect().height, 0);
  return rows.length === 0 ? 0 : total / rows.length;
}
