import { Textarea } from '@mantine/core';
import { useTexts } from '../texts/texts.ts';
import type { YamlDraft } from './yaml-draft.ts';

/** A document as it stands in holdfast.yaml, to be changed like its fields. */
export function YamlText({ draft }: { readonly draft: YamlDraft }) {
  const t = useTexts();
  return (
    <Textarea
      label={t('document.yaml')}
      classNames={{ input: 'code' }}
      autosize
      minRows={12}
      spellCheck={false}
      error={draft.wrong}
      value={draft.yaml}
      onChange={(event) => draft.setYaml(event.currentTarget.value)}
    />
  );
}
