import { Textarea, TextInput } from '@mantine/core';
import { useState } from 'react';
import { parse, stringify } from 'yaml';

interface YamlFieldProps {
  readonly label: string;
  readonly description?: string;
  /** Of several lines. */
  readonly isLong?: boolean;
  readonly value: unknown;
  readonly onChange: (value: unknown) => void;
}

/** A value that may be text, a number or a list, written as in holdfast.yaml. What is half typed stays as it was typed. */
export function YamlField({ label, description, isLong = false, value, onChange }: YamlFieldProps) {
  const [typed, setTyped] = useState<string | null>(null);
  const [wrong, setWrong] = useState<string | null>(null);
  const take = (text: string) => {
    setTyped(text);
    try {
      onChange(text.trim() === '' ? undefined : parse(text));
      setWrong(null);
    } catch (error) {
      setWrong((error as Error).message);
    }
  };
  const common = {
    ...{ label, description, error: wrong, spellCheck: false, classNames: { input: 'code' } },
    value: typed ?? textOf(value, isLong),
    onBlur: () => wrong === null && setTyped(null),
  };
  return isLong ? (
    <Textarea {...common} autosize minRows={3} onChange={(event) => take(event.currentTarget.value)} />
  ) : (
    <TextInput {...common} autoComplete="off" onChange={(event) => take(event.currentTarget.value)} />
  );
}

function textOf(value: unknown, isLong: boolean): string {
  if (value === undefined) return '';
  return stringify(value, isLong ? {} : { collectionStyle: 'flow', lineWidth: 0 }).trim();
}
