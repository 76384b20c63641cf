import { Button, Group, Stack, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { call } from '../api/client.ts';
import { isUnfinished, useRefresh } from '../api/queries.ts';
import type { RetainedTable, TablePreview } from '../api/tables.ts';
import { Dialog } from '../parts/form.tsx';
import { useMay } from '../parts/may.ts';
import { ProblemNote } from '../parts/problem-note.tsx';
import { TypedConfirm } from '../parts/typed-confirm.tsx';
import { useLanguage, useTexts } from '../texts/texts.ts';
import { numberText } from '../texts/values.ts';

const URL = '/api/v1/table-retention';

/** To look what would go, and to do it. */
export function TableActions({ of: { source, table, last_job: last } }: { readonly of: RetainedTable }) {
  const t = useTexts();
  const may = useMay();
  const [isAsking, setAsking] = useState(false);
  const body = { source, table };
  const name = `${source}/${table}`;
  const look = useMutation({
    mutationFn: () => call<TablePreview>(`${URL}/preview`, { method: 'POST', body }),
  });
  return (
    <Stack gap={6}>
      <Group gap="xs">
        {may('backups:trigger') && (
          <Button
            variant="default"
            size="xs"
            aria-label={t('tables.lookNamed', { name })}
            loading={look.isPending}
            onClick={() => look.mutate()}
          >
            {t('tables.look')}
          </Button>
        )}
        {may('backups:delete') && (
          <Button
            variant="default"
            size="xs"
            aria-label={t('tables.runNamed', { name })}
            disabled={last !== null && isUnfinished(last)}
            onClick={() => setAsking(true)}
          >
            {t('tables.run')}
          </Button>
        )}
      </Group>
      <div aria-live="polite">
        <ProblemNote error={look.error} />
        {look.data && <Looked at={look.data} />}
      </div>
      {isAsking && (
        <Ask
          {...{ source, table, name, looked: look.data ?? null }}
          onAsked={look.reset}
          onClose={() => setAsking(false)}
        />
      )}
    </Stack>
  );
}

/** In words; the limits are conditions on a column, as the database knows them. */
function Looked({ at: { rows, going, limits } }: { readonly at: TablePreview }) {
  const t = useTexts();
  const language = useLanguage();
  const number = (value: number) => numberText(value, language);
  return (
    <>
      <Text size="sm" fw={600}>
        {t('tables.looked', { going: number(going), rows: number(rows) })}
      </Text>
      {limits.map((one) => (
        <div key={one} className="code soft small">
          {one}
        </div>
      ))}
    </>
  );
}

interface AskProps {
  readonly source: string;
  readonly table: string;
  readonly name: string;
  /** Null when nobody has looked. */
  readonly looked: TablePreview | null;
  /** What was looked at is not so any more. */
  readonly onAsked: () => void;
  readonly onClose: () => void;
}

/** Rows of a live database go: nobody does that with one click. */
function Ask({ source, table, name, looked, onAsked, onClose }: AskProps) {
  const t = useTexts();
  const refresh = useRefresh();
  const run = useMutation({
    mutationFn: () => call(URL, { method: 'POST', body: { source, table } }),
    async onSuccess() {
      await refresh('tables', 'jobs');
      onAsked();
      onClose();
    },
  });
  return (
    <Dialog title={t('tables.runNamed', { name })} onClose={onClose}>
      <Stack gap="sm">
        <Text size="sm">{t('tables.runText')}</Text>
        {looked ? <Looked at={looked} /> : <Text size="sm">{t('tables.notLooked')}</Text>}
        <TypedConfirm
          word={table}
          action={t('tables.runNow')}
          isDangerous
          isPending={run.isPending}
          error={run.error}
          onConfirm={() => run.mutate()}
        />
      </Stack>
    </Dialog>
  );
}
