import { Select, Textarea } from '@mantine/core';
import { lazy, Suspense } from 'react';
import { PlainInput } from '../parts/plain-input.tsx';
import { useTexts } from '../texts/texts.ts';
import { isDatabase, withField } from './document-kind.ts';
import type { FieldsProps } from './field-props.ts';

const FindDatabases = lazy(async () => ({
  default: (await import('./find-databases.tsx')).FindDatabases,
}));

const KINDS = ['sqlite', 'postgres', 'files', 'command'] as const;

export function SourceFields({ body, onChange, problem, onAdded }: FieldsProps) {
  const t = useTexts();
  const kind = String(body.kind);
  const text = (field: string, label: string, description: string, placeholder: string) => (
    <PlainInput
      {...{ label, description, placeholder }}
      error={problem(field)}
      value={String(body[field] ?? '')}
      onChange={(text) => onChange(withField(body, field, text))}
    />
  );
  return (
    <>
      <Select
        label={t('source.kind')}
        data={KINDS.map((value) => ({ value, label: t(`source.kind.${value}`) }))}
        allowDeselect={false}
        error={problem('kind')}
        value={kind}
        onChange={(value) => onChange({ kind: value ?? 'sqlite' })}
      />
      {kind === 'sqlite' && text('path', t('source.path'), t('source.pathHelp'), '/srv/app/app.sqlite')}
      {kind === 'files' &&
        body.paths === undefined &&
        text('path', t('source.folder'), t('source.pathHelp'), '/srv/app/uploads')}
      {kind === 'files' && (
        <Textarea
          label={t('source.exclude')}
          description={t('source.excludeHelp')}
          autosize
          minRows={2}
          error={problem('exclude')}
          value={((body.exclude as string[] | undefined) ?? []).join('\n')}
          onChange={(event) => {
            const lines = event.currentTarget.value.split('\n');
            onChange(withField(body, 'exclude', lines.every((line) => line === '') ? undefined : lines));
          }}
        />
      )}
      {kind === 'postgres' && text('urlEnv', t('source.urlEnv'), t('source.urlEnvHelp'), 'DATABASE_URL')}
      {kind === 'postgres' &&
        text('url', t('source.url'), t('source.urlHelp'), 'postgres://backup:${DB_PASSWORD}@db/app')}
      {onAdded && isDatabase(kind) && (
        <Suspense>
          <FindDatabases key={kind} body={body} onAdded={onAdded} />
        </Suspense>
      )}
      {kind === 'command' &&
        text('command', t('source.command'), t('source.commandHelp'), 'tar -c /srv/volume')}
      {kind === 'command' && text('artifactName', t('source.artifactName'), '', 'volume.tar')}
      {kind === 'command' && text('restoreCommand', t('source.restoreCommand'), '', 'tar -x -C /srv')}
    </>
  );
}
