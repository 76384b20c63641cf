import '../documents/conflict.css';
import { Checkbox, Text } from '@mantine/core';
import type { z } from 'zod';
import type * as configuration from '../../../src/contracts/api/configuration.ts';
import { type Column, DataTable } from '../parts/data-table.tsx';
import { useTexts } from '../texts/texts.ts';

export type ConfigurationDiff = z.infer<typeof configuration.configurationDiff>;
type Change = ConfigurationDiff['changes'][number];

/** As the server names what may be overwritten. */
export const nameOf = ({ kind, name }: Pick<Change, 'kind' | 'name'>) => `${kind}/${name}`;

interface ChangeTableProps {
  readonly title: string;
  readonly changes: readonly Change[];
  /** What may be overwritten though it was changed elsewhere. Absent where nothing is to be decided any more. */
  readonly overwrite?: ReadonlySet<string>;
  readonly onOverwrite?: (name: string, isAllowed: boolean) => void;
}

/** What a file changes, field by field. */
export function ChangeTable({ title, changes, overwrite, onOverwrite }: ChangeTableProps) {
  const t = useTexts();
  const columns: Column<Change>[] = [
    { label: t('config.object'), cell: (change) => <strong className="code">{nameOf(change)}</strong> },
    {
      label: t('column.changed'),
      cell: (change) => (
        <>
          {t(
            change.kind === 'tenant' && change.change === 'delete'
              ? 'config.archive'
              : `config.${change.change}`,
          )}
          {change.fields.map((field) => (
            <Field key={field.field} {...field} />
          ))}
        </>
      ),
    },
    ...(overwrite && onOverwrite && changes.some(({ conflict }) => conflict)
      ? [
          {
            label: t('column.action'),
            cell: (change: Change) =>
              change.conflict && (
                <>
                  <Text size="sm" className="tone-doubt">
                    {t('config.conflict', { who: change.changed_by ?? '–' })}
                  </Text>
                  <Checkbox
                    mt={4}
                    label={t('config.overwrite', { name: nameOf(change) })}
                    checked={overwrite.has(nameOf(change))}
                    onChange={(event) => onOverwrite(nameOf(change), event.currentTarget.checked)}
                  />
                </>
              ),
          },
        ]
      : []),
  ];
  return (
    <DataTable label={title} columns={columns} items={changes} keyOf={nameOf} empty={t('config.equal')} />
  );
}

/** Signs and elements say the same as the colours. No line ends between a sign and what it is of. */
function Field({ field, stored, file }: Change['fields'][number]) {
  const t = useTexts();
  const shown = (value: unknown) => (value === undefined ? t('config.absent') : JSON.stringify(value));
  return (
    <div className="code difference">
      {field}: <del className="difference-theirs">−&nbsp;{shown(stored)}</del>{' '}
      <ins className="difference-mine">+&nbsp;{shown(file)}</ins>
    </div>
  );
}
