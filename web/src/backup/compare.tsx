import { Button, Group, Select, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { type BackupContent, type Comparison, useChangedPaths, useComparison } from '../api/content.ts';
import { useBackups } from '../api/queries.ts';
import { type Column, DataTable, moreOf, Waiting } from '../parts/data-table.tsx';
import { Panel } from '../parts/panel.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { WithTime } from '../parts/with-time.tsx';
import { type Language, type Translate, useLanguage, useTexts } from '../texts/texts.ts';
import { numberText, sizeText, timeText } from '../texts/values.ts';

/** What changed since another backup; asked for, since both have to be read. */
export function Compare({ backup }: { readonly backup: BackupContent }) {
  const t = useTexts();
  const language = useLanguage();
  const [other, setOther] = useState<string | null>(null);
  const [isOn, setOn] = useState(false);
  const others = useBackups({ archived: 'false', plan: backup.plan ?? undefined }).items;
  const compared = useComparison(backup.id, other, isOn);
  return (
    <Panel title={t('compare.title')}>
      <Stack gap="sm">
        <Group gap="sm" align="flex-end">
          <Select
            label={t('compare.with')}
            w={300}
            placeholder={t('compare.before')}
            clearable
            clearButtonProps={{ 'aria-label': t('compare.before') }}
            data={others
              .filter(({ id }) => id !== backup.id)
              .map(({ id, timestamp }) => ({ value: id, label: timeText(timestamp, language) }))}
            value={other}
            onChange={setOther}
          />
          {!isOn && (
            <Button variant="default" onClick={() => setOn(true)}>
              {t('compare.start')}
            </Button>
          )}
        </Group>
        {isOn && compared.isPending && <Waiting />}
        <ProblemNote error={compared.error} />
        {compared.data && <Changes key={other} id={backup.id} comparison={compared.data} />}
      </Stack>
    </Panel>
  );
}

/** What an artifact and a path of one have in common. */
type Either = Pick<Changed | Path, 'change' | 'size_bytes' | 'size_bytes_before'>;

const changeColumns = <T extends Either>(
  nameOf: (item: T) => string,
  t: Translate,
  language: Language,
): Column<T>[] => [
  { label: t('column.name'), cell: (item) => <span className="code">{nameOf(item)}</span> },
  { label: t('compare.change'), cell: ({ change }) => t(`compare.change.${change}`) },
  {
    label: t('compare.before.size'),
    isNumber: true,
    cell: ({ size_bytes_before }) => sizeText(size_bytes_before, language),
  },
  { label: t('compare.now.size'), isNumber: true, cell: ({ size_bytes }) => sizeText(size_bytes, language) },
];

type Changed = Comparison['artifacts'][number];

function Changes({ id, comparison }: { readonly id: string; readonly comparison: Comparison }) {
  const t = useTexts();
  const language = useLanguage();
  const [tree, setTree] = useState<string | null>(null);
  const before = comparison.with;
  if (!before) return <Text size="sm">{t('compare.none')}</Text>;
  const columns: Column<Changed>[] = [
    ...changeColumns<Changed>(({ name }) => name, t, language),
    {
      label: t('column.content'),
      cell: (artifact) => <Inside artifact={artifact} onPaths={() => setTree(artifact.name)} />,
    },
  ];
  const values = {
    size: sizeText(before.size_bytes, language),
    now: sizeText(comparison.backup.size_bytes, language),
  };
  return (
    <div aria-live="polite">
      <Text size="sm">
        <WithTime text={t('compare.since', values)} at={before.timestamp} />
      </Text>
      <DataTable
        label={t('compare.title')}
        columns={columns}
        items={comparison.artifacts}
        keyOf={({ name }) => name}
        empty={t('backup.noArtifacts')}
      />
      {tree !== null && <Paths {...{ id, tree }} other={before.id} />}
    </div>
  );
}

/** The tables with other rows, or the way to the changed files. */
function Inside({ artifact, onPaths }: { readonly artifact: Changed; readonly onPaths: () => void }) {
  const t = useTexts();
  const language = useLanguage();
  const { name, kind, change, tables, tables_unchanged } = artifact;
  const number = (rows: number | null) => numberText(rows, language);
  return (
    <>
      {tables.map(({ name: table, rows, rows_before }) => (
        <Text size="sm" key={table}>
          {t('compare.rows', { name: table, before: number(rows_before), now: number(rows) })}
        </Text>
      ))}
      {tables_unchanged > 0 && (
        <Text size="xs" className="soft">
          {t('compare.sameTables', { count: tables_unchanged })}
        </Text>
      )}
      {kind === 'tree' && change === 'changed' && (
        <Button size="xs" variant="default" aria-label={t('compare.pathsNamed', { name })} onClick={onPaths}>
          {t('compare.paths')}
        </Button>
      )}
    </>
  );
}

interface PathsProps {
  readonly id: string;
  readonly other: string;
  readonly tree: string;
}

type Path = NonNullable<Comparison['tree']>['items'][number];

function Paths({ id, other, tree: name }: PathsProps) {
  const t = useTexts();
  const language = useLanguage();
  const { tree, items, error, refetch, ...more } = useChangedPaths(id, other, name);
  const columns: Column<Path>[] = [...changeColumns<Path>(({ path }) => path, t, language)];
  return (
    <>
      {tree && (
        <Text size="sm" mt="sm">
          {t('compare.counts', { ...tree.counts })}
        </Text>
      )}
      <DataTable
        label={t('compare.pathsOf', { name })}
        columns={columns}
        items={items}
        keyOf={({ path }) => path}
        empty={t('compare.noPaths')}
        error={error}
        onRetry={() => void refetch()}
        more={moreOf(more)}
      />
    </>
  );
}
