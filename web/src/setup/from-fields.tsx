import { Button, FileInput, PasswordInput, Radio, Stack, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, type ReactNode, useState } from 'react';
import type { SetupFound } from '../api/types.ts';
import { ProblemNote } from '../parts/problem-note.tsx';
import { When } from '../parts/when.tsx';
import { useLanguage, useTexts } from '../texts/texts.ts';
import { sizeText } from '../texts/values.ts';
import { Sending } from '../upload/sending.tsx';
import { NO_PLACE, S3Fields, s3Of } from './s3-fields.tsx';
import { setupCall } from './setup-calls.ts';
import type { SetupRestoring } from './use-restore.ts';

interface FromFieldsProps {
  readonly token: string;
  readonly restoring: SetupRestoring;
  /** What became of the last try. */
  readonly children: ReactNode;
}

/** A bundle from this computer, or a backup in a repository on S3; and its key. */
export function FromFields({ token, restoring, children }: FromFieldsProps) {
  const t = useTexts();
  const [kind, setKind] = useState<'upload' | 's3'>('upload');
  const [file, setFile] = useState<File | null>(null);
  const [key, setKey] = useState('');
  const [fields, setFields] = useState(NO_PLACE);
  const [chosen, setChosen] = useState<string | null>(null);
  const { open } = restoring;
  const list = useMutation({
    mutationFn: () => setupCall<{ items: SetupFound[] }>(token, 's3/list', s3Of(fields, key)),
    onSuccess: ({ items }) => setChosen(items[0]?.id ?? null),
  });
  const found = list.data?.items;
  const isListing = kind === 's3' && !found;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (kind === 'upload' && file) open.mutate({ kind, file, key });
    else if (isListing) list.mutate();
    else if (kind === 's3' && chosen) open.mutate({ kind, place: s3Of(fields, key), backupId: chosen });
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <Radio.Group
          value={kind}
          onChange={(value) => setKind(value === 's3' ? 's3' : 'upload')}
          aria-label={t('setup.from')}
        >
          <Stack gap={6}>
            <Radio value="upload" label={t('setup.upload')} description={t('setup.uploadHelp')} />
            <Radio value="s3" label={t('setup.s3')} description={t('setup.s3Help')} />
          </Stack>
        </Radio.Group>
        {kind === 'upload' ? (
          <>
            <FileInput
              label={t('setup.file')}
              placeholder={t('setup.choose')}
              required
              value={file}
              onChange={setFile}
            />
            <Sent file={file} restoring={restoring} />
          </>
        ) : (
          <S3Fields
            fields={fields}
            onChange={(next) => {
              setFields(next);
              // Of another place nothing is known yet.
              list.reset();
            }}
          />
        )}
        <PasswordInput
          label={t('setup.key')}
          description={t('setup.keyHelp')}
          autoComplete="off"
          required
          value={key}
          onChange={(event) => setKey(event.currentTarget.value)}
        />
        {kind === 's3' && found && <Found items={found} {...{ chosen, setChosen }} />}
        {children}
        <ProblemNote error={open.error ?? list.error} />
        <div>
          <Button type="submit" loading={open.isPending || list.isPending}>
            {t(isListing ? 'setup.list' : 'setup.check')}
          </Button>
        </div>
      </Stack>
    </form>
  );
}

/** How much of the file is sent, and that it arrived. */
function Sent({ file, restoring: { sent, upload } }: { file: File | null; restoring: SetupRestoring }) {
  const t = useTexts();
  const language = useLanguage();
  if (file && sent !== null) return <Sending file={file} progress={sent} />;
  if (!file || !upload) return null;
  const values = { name: file.name, size: sizeText(upload.size_bytes, language), sha: upload.sha256 ?? '–' };
  return (
    <Text size="xs" className="soft" style={{ overflowWrap: 'anywhere' }} role="status">
      {t('setup.uploaded', values)}
    </Text>
  );
}

interface FoundProps {
  readonly items: readonly SetupFound[];
  readonly chosen: string | null;
  readonly setChosen: (id: string) => void;
}

function Found({ items, chosen, setChosen }: FoundProps) {
  const t = useTexts();
  const language = useLanguage();
  if (items.length === 0) return <Text size="sm">{t('setup.noBackups')}</Text>;
  return (
    <Radio.Group value={chosen} onChange={setChosen} label={t('restore.which')}>
      <Stack gap={6} mt={6} mah={260} style={{ overflow: 'auto' }}>
        {items.map(({ id, plan, tenant_id, timestamp, size_bytes }) => (
          <Radio
            key={id}
            value={id}
            label={<When at={timestamp} />}
            description={[plan, tenant_id, sizeText(size_bytes, language)].filter(Boolean).join(' · ')}
          />
        ))}
      </Stack>
    </Radio.Group>
  );
}
