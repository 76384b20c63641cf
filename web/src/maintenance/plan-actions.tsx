import { Group, Stack } from '@mantine/core';
import { ConfirmedButton } from '../parts/confirmed-button.tsx';
import { useMay, useMayEverywhere } from '../parts/may.ts';
import { useTexts } from '../texts/texts.ts';
import { AskButton, AskedOutcome, useAsked } from './asked-job.tsx';
import { VerifyButton } from './verify-button.tsx';

interface ActionsProps {
  readonly name: string;
}

/** Back up, verify, complete copies, rotate; and what became of the last of them. */
export function PlanActions({ name }: ActionsProps) {
  const t = useTexts();
  const may = useMay();
  const asked = useAsked();
  return (
    <Stack gap={6}>
      <Group gap="xs">
        {may('backups:trigger') && (
          <>
            <AskButton
              label={t('plan.run')}
              name={t('plan.runNamed', { plan: name })}
              asked={asked}
              path={`/api/v1/plans/${encodeURIComponent(name)}/run`}
            />
            <VerifyButton name={name} of={{ plan: name }} asked={asked} />
            <AskButton
              label={t('maintenance.replicate')}
              name={t('maintenance.replicateNamed', { name })}
              asked={asked}
              path="/api/v1/replicate"
              body={{ plan: name }}
            />
          </>
        )}
        {may('backups:delete') && (
          <ConfirmedButton
            label={t('maintenance.rotate')}
            name={t('maintenance.rotateNamed', { name })}
            text={t('maintenance.rotateText', { name })}
            act={() => asked.ask('/api/v1/rotate', { plan: name })}
          />
        )}
      </Group>
      <AskedOutcome asked={asked} />
    </Stack>
  );
}

/** Verify, prune; and what became of the last of them. */
export function DestinationActions({ name }: ActionsProps) {
  const t = useTexts();
  const everywhere = useMayEverywhere();
  const asked = useAsked();
  return (
    <Stack gap={6}>
      <Group gap="xs">
        {everywhere('backups:trigger') && (
          <VerifyButton name={name} of={{ destination: name }} asked={asked} />
        )}
        {everywhere('backups:delete') && (
          <ConfirmedButton
            label={t('maintenance.prune')}
            name={t('maintenance.pruneNamed', { name })}
            text={t('maintenance.pruneText', { name })}
            isDangerous
            act={() => asked.ask('/api/v1/prune', { destination: name })}
          />
        )}
      </Group>
      <AskedOutcome asked={asked} />
    </Stack>
  );
}
