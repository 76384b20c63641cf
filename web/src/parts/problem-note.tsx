import { Alert, Button, Text } from '@mantine/core';
import { ApiProblem, codeOf } from '../api/client.ts';
import { useSaid } from '../texts/server-words.ts';
import { useTexts } from '../texts/texts.ts';
import { IconAlertTriangle } from './icons.ts';
import { NextStep, Spoken } from './said.tsx';

export { sentence } from '../texts/server-words.ts';

interface ProblemNoteProps {
  /** Nothing is shown without one. */
  readonly error: unknown;
  readonly onRetry?: () => void;
}

/** What went wrong, and the next step. */
export function ProblemNote({ error, onRetry }: ProblemNoteProps) {
  const t = useTexts();
  const said = useSaid();
  if (!error) return null;
  const isSilent = !(error instanceof ApiProblem) || codeOf(error) === 'server_unreachable';
  const problem = isSilent ? null : { ...error.problem, message: error.problem.detail };
  const shown = problem && said.problem(problem);
  return (
    <Alert
      color="red"
      variant="outline"
      icon={<IconAlertTriangle aria-hidden />}
      role="alert"
      title={shown ? <Spoken words={shown.title} /> : t('problem.unreachable')}
    >
      {shown?.more && (
        <Text size="sm">
          <Spoken words={shown.more} />
        </Text>
      )}
      {problem ? <NextStep error={problem} /> : <Text size="sm">{t('problem.unreachableNext')}</Text>}
      {onRetry && (
        <Button mt="xs" size="xs" variant="default" onClick={onRetry}>
          {t('action.retry')}
        </Button>
      )}
    </Alert>
  );
}
