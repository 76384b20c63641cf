import { Button, Modal, Stack } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useRefresh } from '../api/queries.ts';
import { ProblemNote } from '../parts/problem-note.tsx';
import { useTexts } from '../texts/texts.ts';
import { type Tested, TestOutcome, testOne } from './test-result.tsx';

interface TestOfProps {
  readonly kind: Tested;
  readonly name: string;
}

/** Tries a destination or a channel, and shows what came of it. */
export function TestOf({ kind, name }: TestOfProps) {
  const t = useTexts();
  const refresh = useRefresh();
  const test = useMutation({
    mutationFn: () => testOne(kind, name),
    onSettled: () => refresh('notices'),
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
          {test.data && <TestOutcome answer={test.data} />}
        </Stack>
      </Modal>
    </>
  );
}
