import { TextInput, type TextInputProps } from '@mantine/core';

interface PlainInputProps extends Omit<TextInputProps, 'onChange'> {
  readonly onChange: (value: string) => void;
}

/** For paths, addresses and names of variables: nothing is corrected, and nothing that was typed elsewhere is offered. */
export const PlainInput = ({ onChange, ...props }: PlainInputProps) => (
  <TextInput
    autoComplete="off"
    spellCheck={false}
    {...props}
    onChange={(event) => onChange(event.currentTarget.value)}
  />
);
