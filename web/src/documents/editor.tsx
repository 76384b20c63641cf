import { Button, Grid, Group, Modal, Stack, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { call, codeOf, pathWith } from '../api/client.ts';
import { type DocumentKind, useRefresh } from '../api/queries.ts';
import type { StoredDocument } from '../api/types.ts';
import { ConfirmedButton } from '../parts/confirmed-button.tsx';
import { CopyText } from '../parts/copy-button.tsx';
import { useFieldProblem } from '../parts/field-problem.ts';
import { ProblemNote } from '../parts/problem-note.tsx';
import { useSaid } from '../texts/server-words.ts';
import { useTexts } from '../texts/texts.ts';
import { ChannelFields } from './channel-fields.tsx';
import { Conflict, type Overwrite } from './conflict.tsx';
import { DestinationFields } from './destination-fields.tsx';
import { FIRST_BODY, TITLES } from './document-kind.ts';
import { documentProblem } from './document-problem.ts';
import { PlanFields } from './plan-fields.tsx';
import { SourceFields } from './source-fields.tsx';
import { useYamlDraft, type YamlDraft } from './yaml-draft.ts';
import { YamlText } from './yaml-text.tsx';

interface EditorProps {
  readonly kind: DocumentKind;
  /** Null for a new one. */
  readonly stored: StoredDocument | null;
  readonly onClose: () => void;
}

const FIELDS = {
  ...{ plans: PlanFields, sources: SourceFields },
  ...{ destinations: DestinationFields, channels: ChannelFields },
} as const;

/** The fields that most need, beside the same as in holdfast.yaml: either can be written, the other follows. */
export function Editor({ kind, stored, onClose }: EditorProps) {
  const t = useTexts();
  const fieldProblem = useFieldProblem();
  const said = useSaid();
  const translated = (text: string | null) => text && said.part(text);
  const draft = useDraft(kind, stored);
  const Fields = FIELDS[kind];
  const save = useSave(kind, stored, draft, onClose);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (draft.wrong === null) save.mutate(null);
  };
  return (
    <Modal
      opened
      onClose={onClose}
      size="xl"
      title={<strong>{stored?.name ?? t(TITLES[kind].create)}</strong>}
      closeButtonProps={{ 'aria-label': t('action.close') }}
      closeOnClickOutside={false}
    >
      <form onSubmit={submit}>
        <Grid gap="lg">
          <Grid.Col span={{ base: 12, sm: 6 }}>
            <Stack gap="sm">
              {!stored && (
                <TextInput
                  label={t('field.name')}
                  description={t('document.nameHelp')}
                  required
                  autoComplete="off"
                  data-autofocus
                  error={fieldProblem(save.error, 'name')}
                  value={draft.name}
                  onChange={(event) => draft.setName(event.currentTarget.value)}
                />
              )}
              <Fields
                body={draft.body}
                onChange={draft.setBody}
                onAdded={stored ? null : onClose}
                problem={(field) =>
                  fieldProblem(save.error, field, `body.${field}`) ??
                  translated(documentProblem(save.error, kind, draft.name, field))
                }
              />
            </Stack>
          </Grid.Col>
          <Grid.Col span={{ base: 12, sm: 6 }}>
            <YamlText draft={draft} />
            <Group mt="xs">
              <CopyText text={draft.yaml} />
            </Group>
          </Grid.Col>
        </Grid>
        <Stack gap="sm" mt="md">
          {codeOf(save.error) === 'document_changed' && stored ? (
            <Conflict kind={kind} name={stored.name} mineOver={() => draft.body} onOverwrite={save.mutate} />
          ) : (
            <ProblemNote error={save.error} />
          )}
          <Group justify="flex-end">
            {stored && <DeleteDocument kind={kind} stored={stored} onDone={onClose} />}
            <Button variant="default" onClick={onClose}>
              {t('action.cancel')}
            </Button>
            <Button type="submit" loading={save.isPending} disabled={draft.wrong !== null}>
              {t('action.save')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

interface Draft extends YamlDraft {
  readonly name: string;
  readonly setName: (name: string) => void;
}

function useDraft(kind: DocumentKind, stored: StoredDocument | null): Draft {
  const [name, setName] = useState(stored?.name ?? '');
  return { name, setName, ...useYamlDraft(stored?.body ?? FIRST_BODY[kind]) };
}

/** Called with the version to overwrite; with null, for the one that was read. */
function useSave(kind: DocumentKind, stored: StoredDocument | null, draft: Draft, onDone: () => void) {
  const refresh = useRefresh();
  return useMutation({
    mutationFn: (over: Overwrite | null) => {
      const { name, body } = draft;
      if (!stored) return call(`/api/v1/${kind}`, { method: 'POST', body: { name: name.trim(), body } });
      const path = `/api/v1/${kind}/${encodeURIComponent(stored.name)}`;
      return call(path, { method: 'PUT', body: { body, version: over?.version ?? stored.version } });
    },
    async onSuccess() {
      await refresh(kind, 'health', 'schedule', 'kit');
      onDone();
    },
  });
}

interface DeleteProps {
  readonly kind: DocumentKind;
  readonly stored: StoredDocument;
  readonly onDone: () => void;
}

/** Of the version that was read: what somebody changed meanwhile is not deleted. */
function DeleteDocument({ kind, stored: { name, version }, onDone }: DeleteProps) {
  const t = useTexts();
  const refresh = useRefresh();
  return (
    <ConfirmedButton
      label={t('action.delete')}
      name={t('document.deleteNamed', { name })}
      text={t(kind === 'channels' ? 'channel.deleteText' : 'document.deleteText')}
      isDangerous
      size="sm"
      act={async () => {
        const path = `/api/v1/${kind}/${encodeURIComponent(name)}`;
        await call(pathWith(path, { version }), { method: 'DELETE' });
        await refresh(kind, 'health', 'schedule');
        onDone();
      }}
    />
  );
}
