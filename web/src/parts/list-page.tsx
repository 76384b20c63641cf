import { Button, Stack } from '@mantine/core';
import type { ReactNode } from 'react';
import type { Listed } from '../api/types.ts';
import { type Column, DataTable } from './data-table.tsx';
import { PageHead } from './page-head.tsx';
import { Panel } from './panel.tsx';
import { ProblemNote } from './problem-note.tsx';

interface ListPageProps<T> {
  readonly title: string;
  readonly text: string;
  /** Absent where nothing can be added. */
  readonly create?: { readonly label: string; readonly open: () => void } | null;
  readonly columns: readonly Column<T>[];
  readonly list: {
    readonly data: Listed<T> | undefined;
    readonly error: unknown;
    readonly refetch: () => unknown;
  };
  readonly keyOf: (item: T) => string;
  readonly empty: ReactNode;
  /** Of what was done with an item of the list. */
  readonly error?: unknown;
  readonly children?: ReactNode;
}

/** A page that is a list of what exists, and the way to add to it. */
export function ListPage<T>(props: ListPageProps<T>) {
  const { title, text, create, columns, list, keyOf, empty, error, children } = props;
  return (
    <Stack gap="md">
      <PageHead title={title} text={text}>
        {create && <Button onClick={create.open}>{create.label}</Button>}
      </PageHead>
      <ProblemNote error={error} />
      <Panel flush>
        <DataTable
          label={title}
          columns={columns}
          items={list.data?.items}
          keyOf={keyOf}
          empty={empty}
          error={list.error}
          onRetry={() => void list.refetch()}
        />
      </Panel>
      {children}
    </Stack>
  );
}
