import { Button, Modal, Stack, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { call } from '../api/client.ts';
import type { TestResult } from '../api/types.ts';
import { ProblemNote, sentence } from '../parts/problem-note.tsx';
import { type Status, StatusMark } from '../parts/status.tsx';
import { useTexts } from '../texts/texts.ts';

/** Writes, reads back and deletes at a destination, and shows what came of it. */
export function TestOf({ name }: { readonly name: string }) {
  const t = useTexts();
  const test = useMutation({
    mutationFn: () =>
      call<TestResult>(`/api/v1/destinations/${encodeURIComponent(name)}/test`, { method: 'POST', body: {} }),
  });
  return (
    <>
      <Button
        variant="default"
        size="xs"
        aria-label={t('test.named', { name })}
        loading={test.isPending}
        onClick={() => test.mutate()}
      >
        {t('action.test')}
      </Button>
      <Modal
        opened={test.isSuccess || test.isError}
        onClose={() => test.reset()}
        title={t('test.named', { name })}
        closeButtonProps={{ 'aria-label': t('action.close') }}
      >
        <Stack gap="sm">
          <ProblemNote error={test.error} />
          {test.data && <Text fw={600}>{t(test.data.ok ? 'test.good' : 'test.bad')}</Text>}
          {test.data?.checks.map((check) => (
            <div key={check.name}>
              <StatusMark status={MARKS[check.status] ?? 'failed'} label={sentence(check.message)} />
              {check.next && <Text size="sm">{t('problem.next', { next: check.next })}</Text>}
            </div>
          ))}
        </Stack>
      </Modal>
    </>
  );
}

const MARKS: Readonly<Record<string, Status>> = { ok: 'succeeded', warning: 'warning', problem: 'failed' };
