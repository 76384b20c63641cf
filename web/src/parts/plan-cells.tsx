/** Cells of tables that list plans, or what is stored beside them. */
import { Button, Text } from '@mantine/core';
import { useTexts } from '../texts/texts.ts';
import type { useBackUp } from './back-up-now.tsx';

interface NamedProps {
  readonly name: string;
  readonly tenant: string | null;
}

export function Named({ name, tenant }: NamedProps) {
  return (
    <>
      <Text span component="strong" fw={600} size="sm">
        {name}
      </Text>{' '}
      {tenant && (
        <Text span size="xs" className="soft">
          {tenant}
        </Text>
      )}
    </>
  );
}

interface BackUpButtonProps {
  readonly plan: string;
  readonly start: ReturnType<typeof useBackUp>;
}

/** Starts a plan and goes to its run. */
export function BackUpButton({ plan, start }: BackUpButtonProps) {
  const t = useTexts();
  return (
    <Button
      variant="default"
      size="xs"
      aria-label={t('plan.runNamed', { plan })}
      loading={start.isPending && start.variables === plan}
      onClick={() => start.mutate(plan)}
    >
      {t('plan.run')}
    </Button>
  );
}
