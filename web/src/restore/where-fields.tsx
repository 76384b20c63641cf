import { Checkbox, NumberInput, Radio, Select, Stack, Text } from '@mantine/core';
import { useDocuments } from '../api/queries.ts';
import { PlainInput } from '../parts/plain-input.tsx';
import { useTexts } from '../texts/texts.ts';
import type { Change, Draft, Way } from './restore-draft.ts';

const WAYS: readonly Way[] = ['safe', 'beside', 'replace', 'download'];
const MOST_GRACE_SECONDS = 3600;

interface WhereFieldsProps {
  readonly draft: Draft;
  readonly change: Change;
  readonly canDownload: boolean;
  readonly problem: string | null;
}

/** In place, beside, or to this computer; and which place that is. */
export function WhereFields({ draft, change, canDownload, problem }: WhereFieldsProps) {
  const t = useTexts();
  const isTenant = draft.kind === 'tenant';
  return (
    <Stack gap="sm" maw={440}>
      {!isTenant && (
        <Radio.Group
          value={draft.way}
          onChange={(way) => change({ way: way as Way })}
          aria-label={t('restore.how')}
        >
          <Stack gap={6}>
            {WAYS.map((way) => (
              <Radio
                key={way}
                value={way}
                label={t(`restore.mode.${way}`)}
                description={t(`restore.mode.${way}Help`)}
                disabled={way === 'download' && !canDownload && draft.way !== 'download'}
              />
            ))}
          </Stack>
        </Radio.Group>
      )}
      {draft.way === 'download' && !isTenant ? (
        !canDownload && <Text size="sm">{t('restore.downloadNot')}</Text>
      ) : (
        <Place {...{ draft, change, problem }} />
      )}
    </Stack>
  );
}

function Place({ draft, change, problem }: Omit<WhereFieldsProps, 'canDownload'>) {
  const t = useTexts();
  const sources = useDocuments('sources').data?.items ?? [];
  const chosen = sources.find(({ name }) => name === draft.source);
  const isDatabase = chosen?.body.kind === 'postgres' && draft.place === 'source';
  const replaces = draft.way !== 'beside' || draft.kind === 'tenant';
  return (
    <>
      <Radio.Group
        value={draft.place}
        onChange={(place) => change({ place: place === 'source' ? 'source' : 'folder' })}
        aria-label={t('restore.where')}
      >
        <Stack gap={6}>
          <Radio value="folder" label={t('restore.beside')} description={t('restore.besideHelp')} />
          <Radio
            value="source"
            label={t('restore.replace')}
            description={t('restore.replaceHelp')}
            disabled={sources.length === 0}
          />
        </Stack>
      </Radio.Group>
      {draft.place === 'folder' ? (
        <PlainInput
          label={t('restore.path')}
          description={t('restore.pathHelp')}
          placeholder="/var/restore/today"
          error={problem}
          value={draft.folder}
          onChange={(text) => change({ folder: text })}
        />
      ) : (
        <Select
          label={t('restore.source')}
          data={sources.map(({ name }) => name)}
          value={draft.source}
          onChange={(source) => change({ source })}
        />
      )}
      {replaces && (
        <Checkbox
          label={t('restore.safety')}
          checked={draft.hasSafetyBackup}
          onChange={(event) => change({ hasSafetyBackup: event.currentTarget.checked })}
        />
      )}
      {isDatabase && draft.way !== 'beside' && (
        <NumberInput
          label={t('restore.grace')}
          description={t('restore.graceHelp')}
          min={0}
          max={MOST_GRACE_SECONDS}
          hideControls
          value={draft.graceSeconds}
          onChange={(seconds) => typeof seconds === 'number' && change({ graceSeconds: seconds })}
        />
      )}
    </>
  );
}
