import { NumberInput, Select, Stack, TextInput } from '@mantine/core';
import { type Body, withField } from '../documents/document-kind.ts';
import { useTexts } from '../texts/texts.ts';

const NAMED = ['monthly', 'quarterly'] as const;

interface ScheduleFieldsProps {
  readonly drill: Body;
  readonly onChange: (drill: Body) => void;
}

/** When drills run: by a named or a free schedule, and after so many backups. */
export function ScheduleFields({ drill, onChange }: ScheduleFieldsProps) {
  const t = useTexts();
  const schedule = typeof drill.schedule === 'string' ? drill.schedule : null;
  const isCron = schedule !== null && !NAMED.some((one) => one === schedule);
  const way = schedule === null ? 'none' : isCron ? 'cron' : schedule;
  return (
    <Stack gap="sm" maw={360}>
      <Select
        label={t('drillEdit.schedule')}
        allowDeselect={false}
        data={[
          { value: 'none', label: t('drill.none') },
          ...NAMED.map((value) => ({ value, label: t(`drill.${value}`) })),
          { value: 'cron', label: t('drill.cron') },
        ]}
        value={way}
        onChange={(value) => {
          const next = value === 'none' ? undefined : value === 'cron' ? '0 4 * * 0' : value;
          onChange(withField(drill, 'schedule', next));
        }}
      />
      {isCron && (
        <TextInput
          label={t('drillEdit.cron')}
          classNames={{ input: 'code' }}
          autoComplete="off"
          value={schedule}
          // While it is empty it is still a cron expression, though not a valid one.
          onChange={(event) => onChange({ ...drill, schedule: event.currentTarget.value })}
        />
      )}
      <NumberInput
        label={t('drillEdit.after')}
        description={t('drillEdit.afterHelp')}
        min={1}
        max={10_000}
        hideControls
        value={typeof drill.afterBackups === 'number' ? drill.afterBackups : ''}
        onChange={(value) =>
          onChange(withField(drill, 'afterBackups', typeof value === 'number' ? value : undefined))
        }
      />
    </Stack>
  );
}
