import { Button, Checkbox, Group, Stack, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import type { z } from 'zod';
import type { discovered } from '../../../src/contracts/api/discover.ts';
import { call } from '../api/client.ts';
import { useRefresh } from '../api/queries.ts';
import { PlainInput } from '../parts/plain-input.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { Said } from '../parts/said.tsx';
import { useLanguage, useTexts } from '../texts/texts.ts';
import { relativeText, sizeText } from '../texts/values.ts';
import type { Body } from './document-kind.ts';

type Discovered = z.infer<typeof discovered>;
type Item = Discovered['items'][number];

interface FindDatabasesProps {
  /** Of the source that is being written: its server, or where its file lies. */
  readonly body: Body;
  /** All that was chosen is stored. */
  readonly onAdded: () => void;
}

/** What there is on the server of the form, or in a folder; what is chosen becomes a source each. */
export function FindDatabases({ body, onAdded }: FindDatabasesProps) {
  const t = useTexts();
  const [folder, setFolder] = useState('');
  const { kind, url, urlEnv } = body;
  const isFile = kind === 'sqlite';
  const place = isFile ? { path: folder.trim() } : url ? { url } : { urlEnv };
  const look = useMutation({
    mutationFn: () =>
      call<Discovered>('/api/v1/sources/discover', { method: 'POST', body: { kind, ...place } }),
  });
  const isReady = isFile ? folder.trim() !== '' : Boolean(url || urlEnv);
  return (
    <Stack gap="xs">
      {isFile && (
        <PlainInput
          label={t('discover.folder')}
          description={t('discover.folderHelp')}
          placeholder="/srv"
          value={folder}
          onChange={setFolder}
          onKeyDown={(event) => {
            if (event.key !== 'Enter') return;
            // The form around it would be sent.
            event.preventDefault();
            if (isReady) look.mutate();
          }}
        />
      )}
      <Group gap="sm">
        <Button variant="default" disabled={!isReady} loading={look.isPending} onClick={() => look.mutate()}>
          {t('discover.find')}
        </Button>
        {!isFile && (
          <Text size="xs" className="soft">
            {t('discover.server')}
          </Text>
        )}
      </Group>
      <ProblemNote error={look.error} />
      {look.data && <Found key={look.submittedAt} found={look.data} onAdded={onAdded} />}
    </Stack>
  );
}

interface FoundProps {
  readonly found: Discovered;
  readonly onAdded: () => void;
}

function Found({ found: { items, unreadable, limits }, onAdded }: FoundProps) {
  const t = useTexts();
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const [added, setAdded] = useState<ReadonlySet<string>>(new Set());
  const add = useAdding(items, chosen, {
    added: (name) => {
      setAdded((before) => new Set([...before, name]));
      setChosen((before) => before.filter((one) => one !== name));
    },
    all: onAdded,
  });
  const open = items.flatMap(({ name, stored_as }) =>
    name === null || stored_as !== null || added.has(name) ? [] : [name],
  );
  return (
    <>
      <Text size="sm" role="status">
        {items.length === 0 ? t('discover.none') : t('discover.found', { count: items.length })}
      </Text>
      {open.length > 1 && (
        <Checkbox
          label={t('discover.all')}
          checked={chosen.length === open.length}
          indeterminate={chosen.length > 0 && chosen.length < open.length}
          onChange={(event) => setChosen(event.currentTarget.checked ? open : [])}
        />
      )}
      {items.length > 0 && (
        <Checkbox.Group
          aria-label={t('discover.found', { count: items.length })}
          value={[...chosen]}
          onChange={setChosen}
        >
          <Stack gap={6} mah={260} style={{ overflow: 'auto' }}>
            {items.map((item) => (
              <Checkbox
                key={item.label}
                value={item.name ?? item.label}
                disabled={item.name === null || !open.includes(item.name)}
                label={item.label}
                description={<About item={item} isAdded={item.name !== null && added.has(item.name)} />}
                styles={{ label: { overflowWrap: 'anywhere' } }}
              />
            ))}
          </Stack>
        </Checkbox.Group>
      )}
      {limits.length > 0 && <Text size="sm">{t('discover.early')}</Text>}
      {unreadable.length > 0 && (
        <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
          {t('discover.unreadable', { count: unreadable.length, path: unreadable[0]!.path })}
        </Text>
      )}
      <ProblemNote error={add.error} />
      {open.length > 0 && (
        <Group>
          <Button disabled={chosen.length === 0} loading={add.isPending} onClick={() => add.mutate()}>
            {t('discover.add', { count: chosen.length })}
          </Button>
        </Group>
      )}
    </>
  );
}

function About({ item, isAdded }: { readonly item: Item; readonly isAdded: boolean }) {
  const t = useTexts();
  const language = useLanguage();
  const { name, stored_as, problem, size_bytes, modified_at, owner } = item;
  const stored = stored_as ?? (isAdded ? name : null);
  const facts = [sizeText(size_bytes, language), modified_at && relativeText(modified_at, language), owner];
  return (
    <>
      {facts.filter(Boolean).join(' · ')}
      {stored && ` · ${t('discover.stored', { name: stored })}`}
      {problem && (
        <>
          {' · '}
          <Said text={problem} />
        </>
      )}
    </>
  );
}

/** One after the other: of those before one that is refused nothing is lost, and the rest can be tried again. */
function useAdding(
  items: readonly Item[],
  chosen: readonly string[],
  on: { readonly added: (name: string) => void; readonly all: () => void },
) {
  const refresh = useRefresh();
  return useMutation({
    async mutationFn() {
      for (const { name, body } of items) {
        if (name === null || !chosen.includes(name)) continue;
        await call('/api/v1/sources', { method: 'POST', body: { name, body } });
        on.added(name);
      }
    },
    onSuccess: on.all,
    onSettled: () => refresh('sources', 'health'),
  });
}
