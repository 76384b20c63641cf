import { Button, Stack, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { useTexts } from '../texts/texts.ts';
import { ProblemNote } from './problem-note.tsx';

interface TypedConfirmProps {
  /** What must be typed; nothing can be confirmed while it is empty. */
  readonly word: string;
  readonly action: string;
  readonly onConfirm: () => void;
  readonly isPending: boolean;
  readonly error: unknown;
  /** What exists is replaced or removed. */
  readonly isDangerous?: boolean;
  /** It can be typed, though not confirmed yet: something else is missing. */
  readonly isBlocked?: boolean;
}

/** A button that works once a word was typed: what cannot be undone is never one click away. */
export function TypedConfirm(props: TypedConfirmProps) {
  const { word, action, onConfirm, isPending, error, isDangerous = false, isBlocked = false } = props;
  const t = useTexts();
  const [typed, setTyped] = useState('');
  const isOff = word === '';
  const isReady = !isOff && !isBlocked && typed.trim() === word;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isReady) onConfirm();
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="sm" maw={440}>
        <TextInput
          label={t('restore.typed', { word: word || '…' })}
          autoComplete="off"
          spellCheck={false}
          disabled={isOff}
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
        />
        <ProblemNote error={error} />
        <div>
          <Button
            type="submit"
            color={isDangerous ? 'red' : undefined}
            disabled={!isReady}
            loading={isPending}
          >
            {action}
          </Button>
        </div>
      </Stack>
    </form>
  );
}
