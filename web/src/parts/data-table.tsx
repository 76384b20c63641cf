import { Button, Center, Loader, Stack, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTexts } from '../texts/texts.ts';
import { ProblemNote } from './problem-note.tsx';

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
  readonly more?: { readonly has: boolean; readonly isLoading: boolean; readonly load: () => void };
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
  const t = useTexts();
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
      <table className="data" {...ROLES.table} aria-label={label}>
        <thead {...ROLES.rowgroup}>
          <tr {...ROLES.row}>
            {columns.map((column) => (
              <th
                key={column.label}
                {...ROLES.columnheader}
                scope="col"
                className={column.isNumber ? 'number' : ''}
              >
                {column.label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody {...ROLES.rowgroup}>
          {items.map((item) => (
            <tr key={keyOf(item)} {...ROLES.row}>
              {columns.map((column) => (
                <td
                  key={column.label}
                  {...ROLES.cell}
                  data-label={column.label}
                  className={column.isNumber ? 'number' : ''}
                >
                  <div>{column.cell(item)}</div>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {more?.has && (
        <Center p="sm">
          <Button variant="default" size="xs" loading={more.isLoading} onClick={more.load}>
            {t('action.more')}
          </Button>
        </Center>
      )}
    </Stack>
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
