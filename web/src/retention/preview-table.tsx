import { Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { RetentionPreview } from '../api/content.ts';
import { type Column, DataTable } from '../parts/data-table.tsx';
import { Panel } from '../parts/panel.tsx';
import { NextStep, SaidLine } from '../parts/said.tsx';
import { StatusMark } from '../parts/status.tsx';
import { When } from '../parts/when.tsx';
import { type TextKey, type Translate, useTexts } from '../texts/texts.ts';

type At = RetentionPreview['destinations'][number];
type Item = At['items'][number];

/** Backup by backup: what would happen to it at a destination, and why. */
export function PreviewTable({ at }: { readonly at: At }) {
  const t = useTexts();
  const { destination, error, kept, going, items } = at;
  const title = t('retention.at', { destination });
  const columns: Column<Item>[] = [
    {
      label: t('column.time'),
      cell: ({ id, timestamp }) => (
        <Link to="/backups/$id" params={{ id }}>
          <When at={timestamp} />
        </Link>
      ),
    },
    { label: t('column.type'), cell: ({ type, part }) => part ?? t(`type.${type}`) },
    {
      label: t('retention.action'),
      cell: ({ action }) =>
        action === 'keep' ? (
          <StatusMark status="present" label={t('retention.keep')} />
        ) : (
          <StatusMark status="archived" label={t('retention.remove')} />
        ),
    },
    { label: t('retention.why'), cell: ({ reasons }) => reasons.map((one) => reasonText(one, t)).join('; ') },
  ];
  return (
    <Panel title={title} flush>
      {error ? (
        <div className="panel-body">
          <StatusMark status="warning" label={<SaidLine error={error} />} />
          <NextStep error={error} />
        </div>
      ) : (
        <>
          <Text size="sm" className="panel-body" fw={600}>
            {t('retention.counts', { kept, going })}
          </Text>
          <DataTable
            label={title}
            columns={columns}
            items={items}
            keyOf={({ id }) => id}
            empty={t('retention.nothing')}
          />
        </>
      )}
    </Panel>
  );
}

const CODES = new Set([
  ...['held', 'future_dated', 'last_good', 'last_proven', 'within_limits', 'not_selected', 'too_old'],
  ...['too_many', 'keepLast', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'],
]);

/** In the language of the page; numbers and dates are those of the server's own sentence, which is shown as it is for a new code. */
function reasonText({ code, text }: Item['reasons'][number], t: Translate): string {
  if (!CODES.has(code)) return text;
  const what = text.startsWith(`${code} `)
    ? text.slice(code.length + 1)
    : (/\d[^a-z]*/.exec(text)?.[0] ?? '');
  return t(`retention.reason.${code}` as TextKey, { what: what.trim() });
}
