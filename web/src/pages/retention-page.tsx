import { Button, Group, Stack, Text } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useMutation } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { call, codeOf } from '../api/client.ts';
import { useRetentionPreview } from '../api/content.ts';
import { usePlan } from '../api/drills.ts';
import { useRefresh } from '../api/queries.ts';
import type { StoredDocument } from '../api/types.ts';
import { Conflict, type Overwrite } from '../documents/conflict.tsx';
import type { Body } from '../documents/document-kind.ts';
import { Waiting } from '../parts/data-table.tsx';
import { useMay } from '../parts/may.ts';
import { PageHead } from '../parts/page-head.tsx';
import { Panel } from '../parts/panel.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { PreviewTable } from '../retention/preview-table.tsx';
import { RuleFields } from '../retention/rule-fields.tsx';
import { useTexts } from '../texts/texts.ts';

/** While somebody types, nothing is asked. */
const TYPING_MS = 500;

/** What retention would do with the backups of a plan, by its rules or by others that are only tried. */
export function RetentionPage() {
  const { plan: name } = useParams({ from: '/plans/$plan/retention' });
  const plan = usePlan(name);
  if (plan.data) return <Rules stored={plan.data} />;
  return plan.error ? <ProblemNote error={plan.error} onRetry={() => void plan.refetch()} /> : <Waiting />;
}

function Rules({ stored }: { readonly stored: StoredDocument }) {
  const t = useTexts();
  const may = useMay();
  // The version that was read when writing began: lists that ask now and then must not move it.
  const [base, setBase] = useState(stored);
  const [rules, setRules] = useState<Body>((base.body.retention as Body | undefined) ?? {});
  const [asked] = useDebouncedValue(rules, TYPING_MS);
  const preview = useRetentionPreview(base.name, asked);
  const save = useSave(base, rules, setBase);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate(null);
  };
  return (
    <Stack gap="md">
      <PageHead title={t('retention.title', { plan: base.name })} text={t('retention.text')} />
      <Panel title={t('retention.rules')}>
        <form onSubmit={submit}>
          <Stack gap="sm">
            <Text size="sm">{t('retention.rulesHelp')}</Text>
            <RuleFields rules={rules} onChange={setRules} />
            {codeOf(save.error) === 'document_changed' ? (
              <Conflict
                kind="plans"
                name={base.name}
                mineOver={(theirs) => ({ ...theirs, retention: rules })}
                onOverwrite={save.mutate}
              />
            ) : (
              <ProblemNote error={save.error} />
            )}
            {may('plans:write') && (
              <Group gap="sm">
                <Button type="submit" loading={save.isPending}>
                  {t('retention.save')}
                </Button>
                {save.isSuccess && (
                  <Text size="sm" role="status" className="tone-good">
                    {t('retention.saved')}
                  </Text>
                )}
              </Group>
            )}
          </Stack>
        </form>
      </Panel>
      <ProblemNote error={preview.error} onRetry={() => void preview.refetch()} />
      {preview.isPending && <Waiting />}
      <Stack gap="md" aria-live="polite">
        {preview.data?.destinations.map((at) => (
          <PreviewTable key={at.destination} at={at} />
        ))}
      </Stack>
    </Stack>
  );
}

/** Called with what overwrites another version; with null, for the one that was read. */
function useSave(base: StoredDocument, rules: Body, onStored: (next: StoredDocument) => void) {
  const refresh = useRefresh();
  return useMutation({
    mutationFn: (over: Overwrite | null) =>
      call<StoredDocument>(`/api/v1/plans/${encodeURIComponent(base.name)}`, {
        method: 'PUT',
        body: over ?? { body: { ...base.body, retention: rules }, version: base.version },
      }),
    async onSuccess(next) {
      onStored(next);
      await refresh('plans', 'retention');
    },
  });
}
