import { Button, Group, Stack, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { call } from '../api/client.ts';
import { useKit } from '../api/keys.ts';
import { useDocuments } from '../api/queries.ts';
import { KeySlotsOf } from '../keys/key-slots.tsx';
import { KitForm } from '../keys/kit-form.tsx';
import { CopyText } from '../parts/copy-button.tsx';
import { useMayEverywhere } from '../parts/may.ts';
import { PageHead } from '../parts/page-head.tsx';
import { Panel } from '../parts/panel.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { When } from '../parts/when.tsx';
import { useTexts } from '../texts/texts.ts';

export function KeysPage() {
  const t = useTexts();
  const isAllowed = useMayEverywhere()('keys:generate');
  return (
    <Stack gap="md">
      <PageHead title={t('nav.keys')} text={t('keys.text')} />
      {isAllowed && (
        <>
          <NewKey />
          <Kit />
          <Repositories />
        </>
      )}
      <Elsewhere />
    </Stack>
  );
}

/** A key is made, shown once and kept nowhere. */
function NewKey() {
  const t = useTexts();
  const make = useMutation({
    mutationFn: () =>
      call<{ encryption_key: string; key_id: string | null }>('/api/admin/backups/generate-encryption-key', {
        method: 'POST',
        body: {},
      }),
    // What is shown once is not kept by the page either.
    gcTime: 0,
  });
  return (
    <Panel title={t('key.title')}>
      <Stack gap="sm" align="flex-start">
        <Text size="sm">{t('key.text')}</Text>
        <ProblemNote error={make.error} />
        {make.data ? (
          <>
            <div className="secret" data-testid="key-secret">
              {make.data.encryption_key}
            </div>
            <Text size="sm" role="status">
              {t('key.once', { id: make.data.key_id ?? '–' })}
            </Text>
            <Group gap="xs">
              <CopyText text={make.data.encryption_key} />
              <Button size="xs" onClick={() => make.reset()}>
                {t('keys.done')}
              </Button>
            </Group>
          </>
        ) : (
          <Button variant="default" loading={make.isPending} onClick={() => make.mutate()}>
            {t('key.generate')}
          </Button>
        )}
      </Stack>
    </Panel>
  );
}

function Kit() {
  const t = useTexts();
  const kit = useKit(true);
  const made = kit.data?.made_at;
  return (
    <Panel title={t('kit.title')}>
      <Stack gap="sm">
        <Text size="sm">{t('kit.text')}</Text>
        <ProblemNote error={kit.error} />
        {made && (
          <Text size="sm">
            {t('kit.last')} <When at={made} relative />
          </Text>
        )}
        {made === null && (
          <Text size="sm" className="tone-doubt">
            {t('kit.none')}
          </Text>
        )}
        <KitForm />
      </Stack>
    </Panel>
  );
}

/** Bundles have a key each and no slots. */
function Repositories() {
  const destinations = useDocuments('destinations');
  const repositories = (destinations.data?.items ?? []).filter(({ body }) => body.layout !== 'bundles');
  return (
    <>
      <ProblemNote error={destinations.error} />
      {repositories.map(({ name }) => (
        <KeySlotsOf key={name} destination={name} />
      ))}
    </>
  );
}

const COMMANDS = [
  ['holdfast key rotate --key-file /etc/new.key', 'keys.rotate'],
  ['holdfast key reencrypt', 'keys.reencrypt'],
] as const;

/** What the service has no way for: it would have to be given the new key first. */
function Elsewhere() {
  const t = useTexts();
  return (
    <Panel title={t('keys.elsewhere')}>
      <Stack gap="sm">
        <Text size="sm">{t('keys.elsewhereText')}</Text>
        <dl className="facts">
          {COMMANDS.map(([command, what]) => [
            <dt key={command} className="code">
              {command}
            </dt>,
            <dd key={what}>{t(what)}</dd>,
          ])}
        </dl>
      </Stack>
    </Panel>
  );
}
