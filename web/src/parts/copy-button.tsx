import { Button, CopyButton } from '@mantine/core';
import { useTexts } from '../texts/texts.ts';

export function CopyText({ text }: { readonly text: string }) {
  const t = useTexts();
  return (
    <CopyButton value={text}>
      {({ copied, copy }) => (
        <Button variant="default" size="xs" onClick={copy}>
          {t(copied ? 'action.copied' : 'action.copy')}
        </Button>
      )}
    </CopyButton>
  );
}
