import { NumberInput, Select, SimpleGrid } from '@mantine/core';
import { type Body, withField } from '../documents/document-kind.ts';
import { useTexts } from '../texts/texts.ts';

const PRESETS = ['two-weeks', 'standard', 'year', 'archive'] as const;
const COUNTS = ['days', 'versions', 'keepLast', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const;
const MOST = 100_000;

interface RuleFieldsProps {
  readonly rules: Body;
  readonly onChange: (rules: Body) => void;
}

/** Limits and what is kept, as a plan has them. */
export function RuleFields({ rules, onChange }: RuleFieldsProps) {
  const t = useTexts();
  return (
    <SimpleGrid cols={{ base: 1, xs: 2, md: 3 }} spacing="sm" verticalSpacing="sm">
      <Select
        label={t('retention.preset')}
        data={PRESETS.map((value) => ({ value, label: t(`retention.${value}`) }))}
        clearable
        placeholder={t('retention.inherited')}
        clearButtonProps={{ 'aria-label': t('retention.inherited') }}
        value={typeof rules.preset === 'string' ? rules.preset : null}
        onChange={(preset) => onChange(withField(rules, 'preset', preset ?? undefined))}
      />
      {COUNTS.map((name) => (
        <NumberInput
          key={name}
          label={t(`retention.${name}`)}
          min={1}
          max={MOST}
          allowDecimal={false}
          hideControls
          value={typeof rules[name] === 'number' ? (rules[name] as number) : ''}
          onChange={(value) =>
            onChange(withField(rules, name, typeof value === 'number' ? value : undefined))
          }
        />
      ))}
    </SimpleGrid>
  );
}
