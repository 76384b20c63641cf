import { Alert, Button, Text } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { ApiProblem } from '../api/client.ts';
import { useTexts } from '../texts/texts.ts';

interface ProblemNoteProps {
  readonly error: unknown;
  readonly onRetry?: () => void;
}

/** What went wrong, and the next step, in the server's own words. */
export function ProblemNote({ error, onRetry }: ProblemNoteProps) {
  const t = useTexts();
  const problem = error instanceof ApiProblem ? error.problem : null;
  const isSilent = problem?.code === 'server_unreachable';
  const message = isSilent || problem === null ? t('problem.unreachable') : problem.detail;
  const next = isSilent || problem === null ? t('problem.unreachableNext') : problem.next;
  return (
    <Alert color="red" icon={<IconAlertTriangle aria-hidden />} role="alert" title={message}>
      {next && <Text size="sm">{isSilent ? next : t('problem.next', { next })}</Text>}
      {onRetry && (
        <Button mt="xs" size="xs" variant="default" onClick={onRetry}>
          {t('action.retry')}
        </Button>
      )}
    </Alert>
  );
}
