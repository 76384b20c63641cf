import { MultiSelect, Text, TextInput } from '@mantine/core';
import { NOTICE_KINDS } from '../../../src/contracts/notice-events.ts';
import { useTexts } from '../texts/texts.ts';
import type { Body } from './document-kind.ts';
import type { FieldsProps } from './field-props.ts';
import { listOfWords, listOrNone, withFieldAt } from './nested-field.ts';

/** The first rule of a channel, which is the only one of most. */
export function ChannelRule({ body, onChange, problem }: FieldsProps) {
  const t = useTexts();
  const [rule = {}, ...more] = (body.rules as Body[] | undefined) ?? [];
  const put = (field: string, words: readonly string[] | undefined) => {
    const next = withFieldAt(rule, field, words);
    const rules = Object.keys(next).length === 0 && more.length === 0 ? undefined : [next, ...more];
    onChange(withFieldAt(body, 'rules', rules));
  };
  const words = (field: string, label: string) => (
    <TextInput
      label={label}
      description={t('channel.plansHelp')}
      autoComplete="off"
      spellCheck={false}
      error={problem(`rules.0.${field}`) ?? problem(`rules.0.${field}.0`)}
      value={((rule[field] as string[] | undefined) ?? []).join(', ')}
      // What is typed stays as it is: a comma at its end is the beginning of a word.
      onChange={(event) => {
        const typed = listOfWords(event.currentTarget.value);
        put(field, typed.every((one) => one === '') ? undefined : typed);
      }}
      onBlur={() => put(field, listOrNone((rule[field] as string[] | undefined) ?? []))}
    />
  );
  return (
    <>
      <MultiSelect
        label={t('channel.events')}
        description={t('channel.defaultEvents')}
        data={[
          { value: 'all', label: t('event.all') },
          { value: 'problems', label: t('event.problems') },
          ...NOTICE_KINDS.map((kind) => ({ value: kind as string, label: t(`event.${kind}`) })),
        ]}
        searchable
        error={problem('rules.0.events') ?? problem('rules')}
        value={(rule.events as string[] | undefined) ?? []}
        onChange={(events) => put('events', listOrNone(events))}
      />
      {words('plans', t('channel.plans'))}
      {words('tenants', t('channel.tenants'))}
      {more.length > 0 && <Text size="sm">{t('channel.moreRules', { count: more.length + 1 })}</Text>}
    </>
  );
}
