import { FileInput, PasswordInput, Select, Stack, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useDocuments, useRefresh } from '../api/queries.ts';
import { Form } from '../parts/form.tsx';
import { ProgressLine } from '../parts/job-progress.tsx';
import { Panel } from '../parts/panel.tsx';
import { SaidProblem } from '../parts/said.tsx';
import { useTexts } from '../texts/texts.ts';
import { type SendProgress, sendBundle, type Upload } from '../upload/send-bundle.ts';
import { Sending } from '../upload/sending.tsx';
import { importBundle, UPLOADS } from './import-bundle.ts';

/** A bundle from this computer becomes a backup, which is then restored like any other. */
export function BundleUpload() {
  const t = useTexts();
  const navigate = useNavigate();
  const refresh = useRefresh();
  const destinations = (useDocuments('destinations').data?.items ?? []).filter(
    ({ body }) => body.layout !== 'bundles',
  );
  const [file, setFile] = useState<File | null>(null);
  const [chosen, setChosen] = useState<string | null>(null);
  const [key, setKey] = useState('');
  const [sending, setSending] = useState<SendProgress | null>(null);
  const [taken, setTaken] = useState<Upload | null>(null);
  const destination = chosen ?? (destinations.length === 1 ? destinations[0]!.name : null);
  const send = useMutation({
    async mutationFn() {
      setTaken(null);
      const sent = await sendBundle(UPLOADS, file!, setSending);
      return importBundle(sent, destination!, key, setTaken);
    },
    onSettled: () => setSending(null),
    async onSuccess({ backup_id }) {
      if (backup_id === null) return;
      await refresh('backups');
      await navigate({ to: '/restore', search: { backup: backup_id } });
    },
  });
  if (destinations.length === 0) return null;
  const failure = taken?.state === 'failed' ? taken.error : null;
  return (
    <Panel title={t('bundle.title')}>
      <Form
        sending={send}
        submit={t(send.error || failure ? 'bundle.goOn' : 'bundle.send')}
        isReady={file !== null && destination !== null}
      >
        <Stack gap="sm" maw={440}>
          <Text size="sm">{t('bundle.text')}</Text>
          <FileInput
            label={t('setup.file')}
            description={t('setup.uploadHelp')}
            placeholder={t('setup.choose')}
            value={file}
            onChange={setFile}
          />
          <Select
            label={t('bundle.into')}
            description={t('bundle.intoHelp')}
            allowDeselect={false}
            data={destinations.map(({ name }) => name)}
            value={destination}
            onChange={setChosen}
          />
          <PasswordInput
            label={t('bundle.key')}
            autoComplete="off"
            value={key}
            onChange={(event) => setKey(event.currentTarget.value)}
          />
          {file && sending && <Sending file={file} progress={sending} />}
          {taken?.state === 'importing' && <Taking upload={taken} />}
          {failure && (
            <div role="alert">
              <SaidProblem error={failure} />
            </div>
          )}
        </Stack>
      </Form>
    </Panel>
  );
}

function Taking({ upload }: { readonly upload: Upload }) {
  const t = useTexts();
  const { phase, bytes_done, bytes_total } = upload;
  return (
    <div>
      <Text size="sm">{t('bundle.checking')}</Text>
      <ProgressLine
        progress={{
          ...{ phase: phase ?? '', at: '', bytes_done, bytes_total, bytes_stored: 0, entries_done: 0 },
          ...{ entries_total: null, bytes_per_second: null, seconds_left: null },
        }}
      />
    </div>
  );
}
