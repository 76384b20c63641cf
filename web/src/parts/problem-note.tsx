import { Alert, Button, Text } from '@mantine/core';
import { ApiProblem, codeOf } from '../api/client.ts';
import { useTexts } from '../texts/texts.ts';
import { IconAlertTriangle } from './icons.ts';

interface ProblemNoteProps {
  /** Nothing is shown without one. */
  readonly error: unknown;
  readonly onRetry?: () => void;
}

/** What went wrong, and the next step, in the server's own words. */
export function ProblemNote({ error, onRetry }: ProblemNoteProps) {
  const t = useTexts();
  if (!error) return null;
  const isSilent = !(error instanceof ApiProblem) || codeOf(error) === 'server_unreachable';
  const problem = isSilent ? null : error.problem;
  const message = problem ? sentence(problem.detail) : t('problem.unreachable');
  const next = problem
    ? problem.next && t('problem.next', { next: problem.next })
    : t('problem.unreachableNext');
  return (
    <Alert
      color="red"
      variant="outline"
      icon={<IconAlertTriangle aria-hidden />}
      role="alert"
      title={message}
    >
      {next && <Text size="sm">{next}</Text>}
      {onRetry && (
        <Button mt="xs" size="xs" variant="default" onClick={onRetry}>
          {t('action.retry')}
        </Button>
      )}
    </Alert>
  );
}

/** Messages of the server begin in lower case and have no full stop. */
export const sentence = (text: string) =>
  text === '' ? '' : `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?…]$/.test(text) ? '' : '.'}`;
