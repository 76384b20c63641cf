import { Button, Group, Select, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { type Body, withField } from '../documents/document-kind.ts';
import { useTexts } from '../texts/texts.ts';
import { YamlField } from './yaml-field.tsx';

const FIRST = {
  sql: { kind: 'sql', query: '', expect: { atLeast: 1 } },
  application: { kind: 'application', command: '', answersAt: '/' },
  command: { kind: 'command', command: '' },
} as const;
type Kind = keyof typeof FIRST;
const ADD = {
  sql: 'drillEdit.addSql',
  application: 'drillEdit.addApplication',
  command: 'drillEdit.addCommand',
} as const;
const NEEDED = ['query', 'command'];
const KINDS = Object.keys(FIRST) as Kind[];

interface ChecksProps {
  readonly checks: readonly Body[];
  readonly onChange: (checks: readonly Body[]) => void;
  /** Of the plan. */
  readonly sources: readonly string[];
}

/** What must hold after a rehearsed recovery, in order. What these fields do not know is kept as it is. */
export function Checks({ checks, onChange, sources }: ChecksProps) {
  const t = useTexts();
  return (
    <Stack gap="md">
      <Text size="sm" className="soft">
        {t('drillEdit.checksHelp')}
      </Text>
      {checks.length === 0 && <Text size="sm">{t('drillEdit.noChecks')}</Text>}
      {checks.map((check, i) => (
        <Check
          // biome-ignore lint/suspicious/noArrayIndexKey: checks have no name of their own, and stay in order
          key={i}
          number={i + 1}
          {...{ check, sources }}
          onChange={(next) => onChange(checks.with(i, next))}
          onRemove={() => onChange(checks.toSpliced(i, 1))}
        />
      ))}
      <Group gap="xs">
        {KINDS.map((kind) => (
          <Button key={kind} variant="default" size="xs" onClick={() => onChange([...checks, FIRST[kind]])}>
            {t(ADD[kind])}
          </Button>
        ))}
      </Group>
    </Stack>
  );
}

interface CheckProps {
  readonly number: number;
  readonly check: Body;
  readonly sources: readonly string[];
  readonly onChange: (check: Body) => void;
  readonly onRemove: () => void;
}

function Check({ number, check, sources, onChange, onRemove }: CheckProps) {
  const t = useTexts();
  const kind = KINDS.find((one) => one === check.kind) ?? 'command';
  const title = t('drillEdit.number', { kind: t(`drillEdit.kind.${kind}`), number });
  const set = (field: string) => (value: unknown) =>
    // What must be there stays when it is empty: the server says so then, at its name.
    onChange(NEEDED.includes(field) ? { ...check, [field]: value } : withField(check, field, value));
  return (
    <fieldset className="check">
      <legend>{title}</legend>
      <Stack gap="sm">
        <TextInput
          label={t('drillEdit.name')}
          autoComplete="off"
          value={String(check.name ?? '')}
          onChange={(event) => set('name')(event.currentTarget.value)}
        />
        {kind === 'sql' ? (
          <SqlFields {...{ check, sources, set }} />
        ) : (
          <CommandFields {...{ check, set }} isApplication={kind === 'application'} />
        )}
        <div>
          <Button
            variant="subtle"
            color="red"
            size="xs"
            aria-label={t('drillEdit.removeNamed', { name: title })}
            onClick={onRemove}
          >
            {t('drillEdit.remove')}
          </Button>
        </div>
      </Stack>
    </fieldset>
  );
}

type Set = (field: string) => (value: unknown) => void;

function SqlFields({ check, sources, set }: Pick<CheckProps, 'check' | 'sources'> & { readonly set: Set }) {
  const t = useTexts();
  return (
    <>
      <Select
        label={t('drillEdit.source')}
        data={[...sources]}
        clearable
        clearButtonProps={{ 'aria-label': t('drillEdit.source') }}
        value={typeof check.source === 'string' ? check.source : null}
        onChange={(value) => set('source')(value ?? undefined)}
      />
      <Textarea
        label={t('drillEdit.query')}
        classNames={{ input: 'code' }}
        autosize
        minRows={2}
        spellCheck={false}
        value={String(check.query ?? '')}
        onChange={(event) => set('query')(event.currentTarget.value)}
      />
      <YamlField
        label={t('drillEdit.expect')}
        description={t('drillEdit.expectHelp')}
        value={check.expect}
        onChange={set('expect')}
      />
    </>
  );
}

function CommandFields({
  check,
  set,
  isApplication,
}: Pick<CheckProps, 'check'> & { readonly set: Set; readonly isApplication: boolean }) {
  const t = useTexts();
  return (
    <>
      <TextInput
        label={t('drillEdit.command')}
        description={t('drillEdit.commandHelp')}
        classNames={{ input: 'code' }}
        autoComplete="off"
        spellCheck={false}
        value={String(check.command ?? '')}
        onChange={(event) => set('command')(event.currentTarget.value)}
      />
      {isApplication && (
        <>
          <TextInput
            label={t('drillEdit.answersAt')}
            autoComplete="off"
            value={String(check.answersAt ?? '')}
            onChange={(event) => set('answersAt')(event.currentTarget.value)}
          />
          <YamlField
            label={t('drillEdit.http')}
            description={t('drillEdit.httpHelp')}
            isLong
            value={check.http}
            onChange={set('http')}
          />
        </>
      )}
    </>
  );
}
