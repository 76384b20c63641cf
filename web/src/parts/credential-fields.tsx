import { PasswordInput, TextInput } from '@mantine/core';
import { useTexts } from '../texts/texts.ts';

interface CredentialProps {
  readonly value: string;
  readonly onChange: (value: string) => void;
}

/** The name of whoever logs in. */
export function NameField({ value, onChange }: CredentialProps) {
  const t = useTexts();
  return (
    <TextInput
      label={t('field.name')}
      autoComplete="username"
      required
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}

interface PasswordFieldProps extends CredentialProps {
  /** Default: just password. */
  readonly label?: string;
  /** Is chosen now, so that keepers of passwords offer one. */
  readonly isNew?: boolean;
  readonly hasFocus?: boolean;
}

export function PasswordField({
  value,
  onChange,
  label,
  isNew = false,
  hasFocus = false,
}: PasswordFieldProps) {
  const t = useTexts();
  return (
    <PasswordInput
      label={label ?? t('field.password')}
      {...(isNew ? { description: t('field.passwordHelp') } : {})}
      autoComplete={isNew ? 'new-password' : 'current-password'}
      required
      data-autofocus={hasFocus || undefined}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}

/** Of the second factor. */
export function CodeField({
  value,
  onChange,
  hasFocus = false,
}: CredentialProps & { readonly hasFocus?: boolean }) {
  const t = useTexts();
  return (
    <TextInput
      label={t('field.code')}
      description={t('field.codeHelp')}
      autoComplete="one-time-code"
      required
      autoFocus={hasFocus}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}
