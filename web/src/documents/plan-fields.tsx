import { Checkbox, Group, Select, Switch, Text, TextInput } from '@mantine/core';
import { useDocuments } from '../api/queries.ts';
import { useTexts } from '../texts/texts.ts';
import { DatabaseFields } from './database-fields.tsx';
import { isDatabase, withField } from './document-kind.ts';
import type { FieldsProps } from './field-props.ts';
import { withSources } from './plan-databases.ts';

const PRESETS = ['two-weeks', 'standard', 'year', 'archive'] as const;
const TIMES = [
  ['0 * * * *', 'schedule.hourly'],
  ['0 3 * * *', 'schedule.daily'],
  ['0 3 * * 1', 'schedule.weekly'],
] as const;
type Named = string | { readonly name: string };

const nameOf = (one: Named) => (typeof one === 'string' ? one : one.name);

export function PlanFields({ body, onChange, problem }: FieldsProps) {
  const t = useTexts();
  const sources = useDocuments('sources').data?.items ?? [];
  const named = (body.sources as string[] | undefined) ?? [];
  const destinations = useDocuments('destinations').data?.items ?? [];
  const chosen =
    (body.destinations as Named[] | undefined) ?? (body.destination ? [String(body.destination)] : []);
  const retention = (body.retention ?? {}) as Record<string, unknown>;
  const setDestinations = (names: string[]) => {
    const { destination: _, ...rest } = body;
    // A destination with rules of its own keeps them.
    onChange({
      ...rest,
      destinations: names.map((name) => chosen.find((one) => nameOf(one) === name) ?? name),
    });
  };
  return (
    <>
      <Choice
        label={t('plan.sources')}
        description={t('plan.sourcesHelp')}
        names={sources.map(({ name }) => name)}
        error={problem('sources')}
        value={named}
        onChange={(names) => onChange(withSources(body, names))}
      />
      <DatabaseFields
        {...{ body, onChange, problem }}
        names={sources.filter((one) => named.includes(one.name) && isDatabase(one.body.kind)).map(nameOf)}
      />
      <Choice
        label={t('plan.destinations')}
        description={t('plan.destinationsHelp')}
        names={destinations.map(({ name }) => name)}
        error={problem('destinations') ?? problem('destination')}
        value={chosen.map(nameOf)}
        onChange={setDestinations}
      />
      <TextInput
        label={t('plan.schedule')}
        description={t('plan.scheduleHelp')}
        placeholder="0 3 * * *"
        error={problem('schedule')}
        value={typeof body.schedule === 'string' ? body.schedule : ''}
        onChange={(event) => onChange({ ...body, schedule: event.currentTarget.value || null })}
      />
      <Select
        label={t('schedule.ready')}
        data={TIMES.map(([value, label]) => ({ value, label: t(label) }))}
        value={TIMES.find(([value]) => value === body.schedule)?.[0] ?? null}
        onChange={(value) => value && onChange({ ...body, schedule: value })}
      />
      <TextInput
        label={t('plan.timeZone')}
        placeholder="Europe/Berlin"
        error={problem('timeZone')}
        value={String(body.timeZone ?? '')}
        onChange={(event) => onChange(withField(body, 'timeZone', event.currentTarget.value))}
      />
      <Select
        label={t('plan.retention')}
        description={t('plan.retentionHelp')}
        data={PRESETS.map((value) => ({ value, label: t(`retention.${value}`) }))}
        clearable
        placeholder={t('retention.inherited')}
        clearButtonProps={{ 'aria-label': t('plan.retention') }}
        error={problem('retention') ?? problem('retention.preset')}
        value={typeof retention.preset === 'string' ? retention.preset : null}
        onChange={(preset) => {
          const { preset: _, ...rest } = retention;
          onChange({ ...body, retention: preset ? { ...rest, preset } : rest });
        }}
      />
      <TextInput
        label={t('plan.tenant')}
        description={t('plan.tenantHelp')}
        error={problem('tenantId')}
        value={String(body.tenantId ?? '')}
        onChange={(event) => onChange({ ...body, tenantId: event.currentTarget.value || null })}
      />
      <Switch
        label={t('plan.enabled')}
        checked={body.enabled !== false}
        onChange={(event) =>
          onChange(withField(body, 'enabled', event.currentTarget.checked ? undefined : false))
        }
      />
    </>
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly description: string;
  readonly names: readonly string[];
  readonly error: string | null;
  readonly value: string[];
  readonly onChange: (names: string[]) => void;
}

/** Several of what is stored, all in sight. */
function Choice({ label, description, names, error, value, onChange }: ChoiceProps) {
  const t = useTexts();
  return (
    <Checkbox.Group {...{ label, description, error, value, onChange }}>
      <Group gap="md" mt={6}>
        {names.map((name) => (
          <Checkbox key={name} value={name} label={name} />
        ))}
        {names.length === 0 && <Text size="sm">{t('document.empty')}</Text>}
      </Group>
    </Checkbox.Group>
  );
}
