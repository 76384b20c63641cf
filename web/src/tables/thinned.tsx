import { Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { ThinnedTable } from '../api/tables.ts';
import { useLanguage, useTexts } from '../texts/texts.ts';
import { numberText } from '../texts/values.ts';

/** What a run deleted, and the archives that hold it. */
export function Thinned({ of: { archives, deleted, changed, resumed } }: { readonly of: ThinnedTable }) {
  const t = useTexts();
  const language = useLanguage();
  const number = (value: number) => numberText(value, language);
  const nothing = archives.length === 0 && deleted === 0;
  return (
    <div>
      <Text size="sm">{nothing ? t('tables.nothing') : t('tables.deleted', { count: number(deleted) })}</Text>
      {resumed && (
        <Text size="sm" className="soft">
          {t('tables.resumed')}
        </Text>
      )}
      {changed > 0 && (
        <Text size="sm" className="tone-doubt">
          {t('tables.changed', { count: number(changed) })}
        </Text>
      )}
      {archives.map(({ backupId, rows }) => (
        <div key={backupId}>
          <Link to="/backups/$id" params={{ id: backupId }} className="link small">
            {t('tables.archive', { count: number(rows) })}
          </Link>
        </div>
      ))}
    </div>
  );
}
