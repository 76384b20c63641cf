import { Button, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { Dialog, Form } from './form.tsx';

interface ConfirmedButtonProps {
  readonly label: string;
  /** Says what is meant where several such buttons stand together; also the title of the question. */
  readonly name: string;
  /** What will happen. */
  readonly text: string;
  readonly isDangerous?: boolean;
  readonly size?: 'xs' | 'sm';
  readonly act: () => Promise<unknown>;
}

/** Says first what will happen. */
export function ConfirmedButton(props: ConfirmedButtonProps) {
  const { label, name, text, isDangerous = false, size = 'xs', act } = props;
  const [isAsking, setAsking] = useState(false);
  const doing = useMutation({ mutationFn: act, onSuccess: () => setAsking(false) });
  const open = () => {
    doing.reset();
    setAsking(true);
  };
  return (
    <>
      <Button variant="default" size={size} aria-label={name} onClick={open}>
        {label}
      </Button>
      {isAsking && (
        <Dialog title={name} onClose={() => setAsking(false)}>
          <Form
            sending={doing}
            submit={label}
            onCancel={() => setAsking(false)}
            {...(isDangerous ? { color: 'red' } : {})}
          >
            <Text size="sm">{text}</Text>
          </Form>
        </Dialog>
      )}
    </>
  );
}
