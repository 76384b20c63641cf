import '../drills/drills.css';
import { Button, Group, Stack, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { call, codeOf } from '../api/client.ts';
import { usePlan } from '../api/drills.ts';
import { useRefresh } from '../api/queries.ts';
import type { StoredDocument } from '../api/types.ts';
import { Conflict, type Overwrite } from '../documents/conflict.tsx';
import type { Body } from '../documents/document-kind.ts';
import { useYamlDraft } from '../documents/yaml-draft.ts';
import { YamlText } from '../documents/yaml-text.tsx';
import { Checks } from '../drills/check-fields.tsx';
import { ScheduleFields } from '../drills/schedule-fields.tsx';
import { Trial } from '../drills/trial.tsx';
import { Waiting } from '../parts/data-table.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { useTexts } from '../texts/texts.ts';

/** When a plan's recovery is rehearsed, and what must hold afterwards. */
export function DrillPlanPage() {
  const { plan: name } = useParams({ from: '/drills/plans/$plan' });
  const plan = usePlan(name);
  if (plan.data) return <Edit stored={plan.data} />;
  return plan.error ? <ProblemNote error={plan.error} onRetry={() => void plan.refetch()} /> : <Waiting />;
}

function Edit({ stored }: { readonly stored: StoredDocument }) {
  const t = useTexts();
  const refresh = useRefresh();
  // The version that was read when writing began: lists that ask now and then must not move it.
  const [base, setBase] = useState(stored);
  const draft = useYamlDraft((base.body.drill as Body | undefined) ?? {});
  const checks = Array.isArray(draft.body.checks) ? (draft.body.checks as Body[]) : [];
  const bodyOver = (body: Body): Body => {
    const { drill: _, ...rest } = body;
    return Object.keys(draft.body).length === 0 ? rest : { ...rest, drill: draft.body };
  };
  const save = useMutation({
    mutationFn: (over: Overwrite | null) =>
      call<StoredDocument>(`/api/v1/plans/${encodeURIComponent(base.name)}`, {
        method: 'PUT',
        body: over ?? { body: bodyOver(base.body), version: base.version },
      }),
    async onSuccess(next) {
      setBase(next);
      await refresh('plans', 'drills');
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (draft.wrong === null) save.mutate(null);
  };
  return (
    <Stack gap="md">
      <PageHead title={t('drillEdit.title', { plan: base.name })} text={t('drillEdit.text')} />
      <form onSubmit={submit}>
        <div className="panel panel-body">
          <div className="steps">
            <Stack gap="lg">
              <section>
                <h2 className="step-title">{t('drillEdit.when')}</h2>
                <ScheduleFields drill={draft.body} onChange={draft.setBody} />
              </section>
              <section>
                <h2 className="step-title">{t('drillEdit.checks')}</h2>
                <Checks
                  checks={checks}
                  sources={(base.body.sources as string[] | undefined) ?? []}
                  onChange={(next) => draft.setBody({ ...draft.body, checks: [...next] })}
                />
              </section>
            </Stack>
            <YamlText draft={draft} />
          </div>
          <Stack gap="sm" mt="md">
            {codeOf(save.error) === 'document_changed' ? (
              <Conflict kind="plans" name={base.name} mineOver={bodyOver} onOverwrite={save.mutate} />
            ) : (
              <ProblemNote error={save.error} />
            )}
            <Group justify="flex-end" gap="sm">
              {save.isSuccess && (
                <Text size="sm" role="status" className="tone-good">
                  {t('drillEdit.saved')}
                </Text>
              )}
              <Button type="submit" loading={save.isPending} disabled={draft.wrong !== null}>
                {t('action.save')}
              </Button>
            </Group>
          </Stack>
        </div>
      </form>
      <Trial plan={base.name} checks={checks} />
    </Stack>
  );
}
