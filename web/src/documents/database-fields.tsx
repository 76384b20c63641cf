import { Fieldset, NumberInput, SimpleGrid, Stack, Switch, Text } from '@mantine/core';
import { useSaid } from '../texts/server-words.ts';
import { useTexts } from '../texts/texts.ts';
import { type Body, withField } from './document-kind.ts';
import type { FieldsProps } from './field-props.ts';
import {
  type DatabaseNumber,
  databasesOf,
  inheritedHour,
  newDatabase,
  numberProblem,
  withDatabase,
} from './plan-databases.ts';

interface DatabasesProps extends FieldsProps {
  /** Of the sources of the plan those that are databases. */
  readonly names: readonly string[];
}

/** Which databases of a plan are backed up at an hour of their own, and how long that is kept. */
export function DatabaseFields({ names, ...props }: DatabasesProps) {
  const t = useTexts();
  const { body, problem } = props;
  const shown = [...new Set([...names, ...Object.keys(databasesOf(body))])];
  if (shown.length === 0) return null;
  return (
    <Stack gap="xs" role="group" aria-label={t('column.databases')}>
      <Text size="sm" fw={600}>
        {t('column.databases')}
      </Text>
      <Text size="xs" className="soft">
        {t('planDatabase.text')}
      </Text>
      {shown.map((name) => (
        <DatabaseField key={name} name={name} {...props} />
      ))}
      {problem('databases') && (
        <Text size="xs" className="tone-bad">
          {problem('databases')}
        </Text>
      )}
    </Stack>
  );
}

interface DatabaseProps extends FieldsProps {
  readonly name: string;
}

function DatabaseField({ name, body, onChange, problem }: DatabaseProps) {
  const t = useTexts();
  const one = databasesOf(body)[name];
  const put = (next: Body | null) => onChange(withDatabase(body, name, next));
  return (
    <Fieldset legend={name} miw={0} mx={0} px="sm" pt={4} pb="sm">
      <Switch
        label={t('planDatabase.own')}
        error={problem(`databases.${name}`)}
        checked={one !== undefined}
        onChange={(event) => put(event.currentTarget.checked ? newDatabase(body) : null)}
      />
      {one && (
        <Stack gap="xs" mt="sm">
          <Switch
            label={t('planDatabase.enabled')}
            error={problem(`databases.${name}.enabled`)}
            checked={one.enabled !== false}
            onChange={(event) =>
              put(withField(one, 'enabled', event.currentTarget.checked ? undefined : false))
            }
          />
          <SimpleGrid cols={2} spacing="sm">
            <Figure
              {...{ name, one, put, problem }}
              field="hour"
              label={t('planDatabase.hour')}
              placeholder={String(inheritedHour(body, name))}
            />
            <Figure
              {...{ name, one, put, problem }}
              field="retentionDays"
              label={t('planDatabase.retention')}
              placeholder={t('planDatabase.retentionInherited')}
            />
          </SimpleGrid>
        </Stack>
      )}
    </Fieldset>
  );
}

interface FigureProps {
  readonly name: string;
  readonly one: Body;
  readonly put: (next: Body) => void;
  readonly problem: FieldsProps['problem'];
  readonly field: DatabaseNumber;
  readonly label: string;
  readonly placeholder: string;
}

/** What is out of bounds stays as it was typed, and is told at once. */
function Figure({ name, one, put, problem, field, label, placeholder }: FigureProps) {
  const said = useSaid();
  const value = one[field];
  const wrong = numberProblem(field, value);
  return (
    <NumberInput
      {...{ label, placeholder }}
      clampBehavior="none"
      allowNegative={false}
      allowDecimal={false}
      hideControls
      error={wrong === null ? problem(`databases.${name}.${field}`) : said.part(wrong)}
      value={typeof value === 'number' ? value : ''}
      onChange={(next) => put(withField(one, field, typeof next === 'number' ? next : undefined))}
    />
  );
}
