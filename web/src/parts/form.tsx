import { Button, Group, Modal, Stack } from '@mantine/core';
import type { FormEvent, ReactNode } from 'react';
import { useTexts } from '../texts/texts.ts';
import { ProblemNote } from './problem-note.tsx';

/** What a form needs of a mutation. */
interface Sending {
  readonly mutate: () => void;
  readonly isPending: boolean;
  readonly error: unknown;
}

interface FormProps {
  readonly sending: Sending;
  /** On the button. */
  readonly submit: string;
  readonly variant?: 'filled' | 'default';
  readonly color?: string;
  /** In place of the refusal of the server. */
  readonly note?: ReactNode;
  readonly isReady?: boolean;
  readonly isWide?: boolean;
  readonly onCancel?: () => void;
  /** By which fields outside of it belong to it. */
  readonly id?: string;
  readonly children: ReactNode;
}

/** Fields, what the server says to them, and the button that sends them. */
export function Form({
  sending,
  submit,
  variant = 'filled',
  color,
  note,
  isReady = true,
  isWide = false,
  onCancel,
  id,
  children,
}: FormProps) {
  const t = useTexts();
  const send = (event: FormEvent) => {
    event.preventDefault();
    // A dialog above another form is inside of it for React, though not on the page.
    event.stopPropagation();
    if (isReady) sending.mutate();
  };
  const button = (
    <Button
      type="submit"
      variant={variant}
      color={color}
      loading={sending.isPending}
      disabled={!isReady}
      fullWidth={isWide}
    >
      {submit}
    </Button>
  );
  return (
    <form onSubmit={send} id={id}>
      <Stack gap="sm">
        {children}
        {note || <ProblemNote error={sending.error} />}
        {onCancel ? (
          <Group justify="flex-end">
            <Button variant="default" onClick={onCancel}>
              {t('action.cancel')}
            </Button>
            {button}
          </Group>
        ) : (
          <div>{button}</div>
        )}
      </Stack>
    </form>
  );
}

interface DialogProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly size?: string;
  readonly children: ReactNode;
}

export function Dialog({ title, onClose, size = 'md', children }: DialogProps) {
  const t = useTexts();
  return (
    <Modal
      opened
      onClose={onClose}
      size={size}
      title={<strong>{title}</strong>}
      closeButtonProps={{ 'aria-label': t('action.close') }}
    >
      {children}
    </Modal>
  );
}
