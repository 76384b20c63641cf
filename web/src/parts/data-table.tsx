import { Button, Center, Loader, Stack, Text } from '@mantine/core';
import { memo, type ReactNode, useEffect, useRef } from 'react';
import { useTexts } from '../texts/texts.ts';
import { ProblemNote } from './problem-note.tsx';
import { useRowWindow } from './row-window.ts';

export interface Column<T> {
  readonly label: string;
  readonly isNumber?: boolean;
  readonly cell: (item: T) => ReactNode;
}

interface DataTableProps<T> {
  readonly label: string;
  readonly columns: readonly Column<T>[];
  readonly items: readonly T[] | undefined;
  readonly keyOf: (item: T) => string;
  /** Shown in place of rows when there are none. */
  readonly empty: ReactNode;
  readonly error?: unknown;
  readonly onRetry?: () => void;
  /** Of a list that goes on. */
  readonly more?: More;
}

interface More {
  readonly has: boolean;
  readonly isLoading: boolean;
  readonly load: () => void;
  /** Goes on by itself when its end comes into sight. */
  readonly isEndless?: boolean;
}

/** Narrow screens show tables as blocks, which takes the roles away that they have by themselves. */
const ROLES = {
  table: { role: 'table' },
  rowgroup: { role: 'rowgroup' },
  row: { role: 'row' },
  columnheader: { role: 'columnheader' },
  cell: { role: 'cell' },
} as const;

/** A table; on a narrow screen each row is a small list. */
export function DataTable<T>({
  label,
  columns,
  items,
  keyOf,
  empty,
  error,
  onRetry,
  more,
}: DataTableProps<T>) {
  const body = useRef<HTMLTableSectionElement>(null);
  const shown = useRowWindow(body, items?.length ?? 0);
  if (error)
    return (
      <div className="panel-body">{<ProblemNote error={error} {...(onRetry ? { onRetry } : {})} />}</div>
    );
  if (!items) return <Waiting />;
  if (items.length === 0) {
    return (
      <Text component="div" className="panel-body soft" size="sm">
        {empty}
      </Text>
    );
  }
  return (
    <Stack gap={0}>
      <table
        className="data"
        {...ROLES.table}
        aria-label={label}
        {...(shown && { 'aria-rowcount': more?.has ? -1 : items.length + 1 })}
      >
        <thead {...ROLES.rowgroup}>
          <tr {...ROLES.row}>
            {columns.map((column, i) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: two columns may have one name in one of the languages
              <th key={i} {...ROLES.columnheader} scope="col" className={column.isNumber ? 'number' : ''}>
                {column.label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody {...ROLES.rowgroup} ref={body}>
          {shown && <Space height={shown.above} />}
          {(shown ? items.slice(shown.first, shown.end) : items).map((item, i) => (
            <Row key={keyOf(item)} {...{ item, columns }} index={shown && shown.first + i + 2} />
          ))}
          {shown && <Space height={shown.below} />}
        </tbody>
      </table>
      {more?.has && <GoOn more={more} />}
    </Stack>
  );
}

interface RowProps<T> {
  readonly item: T;
  readonly columns: readonly Column<T>[];
  /** Its place in a table that is not shown whole. */
  readonly index: number | null;
}

/** Drawn anew only when it changed: most rows stay while one scrolls. */
const Row = memo(function Row<T>({ item, columns, index }: RowProps<T>) {
  return (
    <tr {...ROLES.row} {...(index !== null && { 'aria-rowindex': index })}>
      {columns.map((column, i) => (
        <td
          // biome-ignore lint/suspicious/noArrayIndexKey: as above
          key={i}
          {...ROLES.cell}
          data-label={column.label}
          className={column.isNumber ? 'number' : ''}
        >
          <div>{column.cell(item)}</div>
        </td>
      ))}
    </tr>
  );
}) as <T>(props: RowProps<T>) => ReactNode;

/** In place of rows that are far from what is seen. */
function Space({ height }: { readonly height: number }) {
  return <tr data-space aria-hidden style={{ height }} />;
}

/** Rows are fetched this many pixels before they are needed. */
const AHEAD = '2000px';

function GoOn({ more }: { readonly more: More }) {
  const t = useTexts();
  const end = useRef<HTMLDivElement>(null);
  const { isEndless = false, isLoading, load } = more;
  useEffect(() => {
    if (!isEndless || isLoading) return;
    const seen = new IntersectionObserver(
      (entries) => {
        if (entries.some(({ isIntersecting }) => isIntersecting)) load();
      },
      { rootMargin: AHEAD },
    );
    seen.observe(end.current!);
    return () => seen.disconnect();
  }, [isEndless, isLoading, load]);
  return (
    <Center p="sm" ref={end}>
      <Button variant="default" size="xs" loading={isLoading} onClick={load}>
        {t('action.more')}
      </Button>
    </Center>
  );
}

export function Waiting() {
  const t = useTexts();
  return (
    <Center p="lg" role="status" aria-label={t('state.loading')}>
      <Loader size="sm" />
    </Center>
  );
}

/** What `DataTable` needs of a list that comes page by page. */
export const moreOf = (list: {
  readonly hasNextPage: boolean;
  readonly isFetchingNextPage: boolean;
  readonly fetchNextPage: () => unknown;
}) => ({
  has: list.hasNextPage,
  isLoading: list.isFetchingNextPage,
  load: () => void list.fetchNextPage(),
});
