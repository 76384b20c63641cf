import { Button, Group, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { call, fieldProblem } from '../api/client.ts';
import { type KeySlot, slotsPath, useKeySlots } from '../api/keys.ts';
import { useRefresh } from '../api/queries.ts';
import { type Column, DataTable } from '../parts/data-table.tsx';
import { Dialog, Form } from '../parts/form.tsx';
import { Panel } from '../parts/panel.tsx';
import { StatusMark } from '../parts/status.tsx';
import { TypedConfirm } from '../parts/typed-confirm.tsx';
import { When } from '../parts/when.tsx';
import { useTexts } from '../texts/texts.ts';

/** The keys that open the repository of a destination. */
export function KeySlotsOf({ destination }: { readonly destination: string }) {
  const t = useTexts();
  const slots = useKeySlots(destination);
  const [isAdding, setAdding] = useState(false);
  const [retired, setRetired] = useState<KeySlot | null>(null);
  const title = t('slots.title', { destination });
  const columns: Column<KeySlot>[] = [
    { label: t('keys.id'), cell: ({ key_id }) => <span className="code">{key_id}</span> },
    { label: t('slots.label'), cell: ({ label }) => label || '–' },
    { label: t('column.kind'), cell: ({ kind }) => t(`slots.${kind}`) },
    { label: t('slots.opens'), cell: (slot) => <Opens slot={slot} /> },
    { label: t('column.since'), cell: ({ created_at }) => <When at={created_at} /> },
    {
      label: t('column.action'),
      cell: (slot) =>
        slot.in_use ? (
          <span className="soft">{t('slots.inUse')}</span>
        ) : (
          <Button
            variant="default"
            size="xs"
            aria-label={t('slots.retireNamed', { key: slot.key_id })}
            onClick={() => setRetired(slot)}
          >
            {t('slots.retire')}
          </Button>
        ),
    },
  ];
  return (
    <Panel
      title={title}
      flush
      actions={
        slots.data && (
          <Button
            size="xs"
            variant="default"
            aria-label={t('slots.addNamed', { destination })}
            onClick={() => setAdding(true)}
          >
            {t('slots.add')}
          </Button>
        )
      }
    >
      <DataTable
        label={title}
        columns={columns}
        items={slots.data?.items}
        keyOf={({ slot_id }) => slot_id}
        empty={t('keys.empty')}
        error={slots.error}
        onRetry={() => void slots.refetch()}
      />
      {slots.data && !slots.data.kit.complete && (
        <Text size="sm" p="md" pt="xs" className="tone-doubt">
          {t(slots.data.kit.made_at === null ? 'kit.none' : 'kit.old')}
        </Text>
      )}
      {isAdding && <AddKey destination={destination} onClose={() => setAdding(false)} />}
      {retired && <RetireKey destination={destination} slot={retired} onClose={() => setRetired(null)} />}
    </Panel>
  );
}

function Opens({ slot: { current, epoch, intact } }: { readonly slot: KeySlot }) {
  const t = useTexts();
  if (intact === false) return <StatusMark status="damaged" label={t('slots.changed')} />;
  return current ? t('slots.everything') : t('slots.upTo', { epoch });
}

interface ChangeProps {
  readonly destination: string;
  readonly onClose: () => void;
}

function AddKey({ destination, onClose }: ChangeProps) {
  const t = useTexts();
  const refresh = useRefresh();
  const [key, setKey] = useState('');
  const [label, setLabel] = useState('');
  const add = useMutation({
    mutationFn: () => call(slotsPath(destination), { method: 'POST', body: { key: key.trim(), label } }),
    async onSuccess() {
      await refresh('slots', 'ledger');
      onClose();
    },
    // Nothing of the key stays in the page.
    gcTime: 0,
  });
  return (
    <Dialog title={t('slots.addNamed', { destination })} onClose={onClose}>
      <Form sending={add} submit={t('slots.add')} isReady={key.trim() !== ''} onCancel={onClose}>
        <Text size="sm">{t('slots.addText')}</Text>
        <PasswordInput
          label={t('slots.key')}
          description={t('slots.keyHelp')}
          required
          data-autofocus
          autoComplete="off"
          error={fieldProblem(add.error, 'key')}
          value={key}
          onChange={(event) => setKey(event.currentTarget.value)}
        />
        <TextInput
          label={t('slots.label')}
          description={t('slots.labelHelp')}
          autoComplete="off"
          value={label}
          onChange={(event) => setLabel(event.currentTarget.value)}
        />
      </Form>
    </Dialog>
  );
}

function RetireKey({ destination, slot, onClose }: ChangeProps & { readonly slot: KeySlot }) {
  const t = useTexts();
  const refresh = useRefresh();
  const retire = useMutation({
    mutationFn: () => call(`${slotsPath(destination)}/${slot.slot_id}`, { method: 'DELETE' }),
    async onSuccess() {
      await refresh('slots', 'ledger');
      onClose();
    },
  });
  return (
    <Dialog title={t('slots.retireNamed', { key: slot.key_id })} onClose={onClose}>
      <Stack gap="sm">
        <Text size="sm">{t('slots.retireText', { destination })}</Text>
        <TypedConfirm
          word={slot.key_id}
          action={t('slots.retire')}
          onConfirm={() => retire.mutate()}
          isPending={retire.isPending}
          error={retire.error}
          isDangerous
        />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t('action.cancel')}
          </Button>
        </Group>
      </Stack>
    </Dialog>
  );
}
