import { TextInput } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import type { BackupContent } from '../api/content.ts';
import { type Column, DataTable } from '../parts/data-table.tsx';
import { useMay } from '../parts/may.ts';
import { Panel } from '../parts/panel.tsx';
import { useLanguage, useTexts } from '../texts/texts.ts';
import { numberText } from '../texts/values.ts';

interface TableOf {
  readonly artifact: string;
  readonly name: string;
  readonly rows: number | null;
}

/** Beyond this a table is looked for by name, not by eye. */
const MANY = 12;
const SHOWN = 200;

/** The tables of all databases in a backup, with their rows at that time. */
export function Tables({ backup }: { readonly backup: BackupContent }) {
  const t = useTexts();
  const language = useLanguage();
  const may = useMay();
  const [part, setPart] = useState('');
  const all: TableOf[] = backup.artifacts.flatMap(({ name: artifact, tables }) =>
    tables.map(({ name, rows }) => ({ artifact, name, rows })),
  );
  if (all.length === 0) return null;
  const shown = all.filter(({ name }) => name.toLowerCase().includes(part.trim().toLowerCase()));
  const columns: Column<TableOf>[] = [
    { label: t('column.name'), cell: ({ name }) => <span className="code">{name}</span> },
    { label: t('backup.artifacts'), cell: ({ artifact }) => <span className="code">{artifact}</span> },
    {
      label: t('backup.rows'),
      isNumber: true,
      cell: ({ rows }) => (rows === null ? t('backup.uncounted') : numberText(rows, language)),
    },
    ...(may('backups:restore')
      ? [
          {
            label: t('column.action'),
            cell: ({ artifact, name }: TableOf) => (
              <Link
                to="/restore"
                search={{ backup: backup.id, item: `${artifact}/${name}` }}
                aria-label={t('restore.named', { name })}
              >
                {t('action.restore')}
              </Link>
            ),
          },
        ]
      : []),
  ];
  return (
    <Panel
      title={t('backup.tables')}
      flush
      actions={
        all.length > MANY && (
          <TextInput
            size="xs"
            aria-label={t('backup.findTable')}
            placeholder={t('backup.findTable')}
            value={part}
            onChange={(event) => setPart(event.currentTarget.value)}
          />
        )
      }
    >
      <DataTable
        label={t('backup.tables')}
        columns={columns}
        items={shown.slice(0, SHOWN)}
        keyOf={({ artifact, name }) => `${artifact}/${name}`}
        empty={t('backup.noTables')}
      />
    </Panel>
  );
}
