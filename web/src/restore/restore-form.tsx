import { Alert, Button, Radio, Select, Stack, Text, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { call, fieldProblem } from '../api/client.ts';
import { useDocuments, useRefresh } from '../api/queries.ts';
import type { BackupDetail } from '../api/types.ts';
import { IconAlertTriangle } from '../parts/icons.ts';
import { ProblemNote } from '../parts/problem-note.tsx';
import { Step } from '../parts/step.tsx';
import { useLanguage, useTexts } from '../texts/texts.ts';
import { sizeText, timeText } from '../texts/values.ts';

interface RestoreFormProps {
  readonly backup: BackupDetail;
  /** An artifact that was chosen already. */
  readonly item: string | null;
}

const WHOLE = '';

/** Four steps on one page, so that everything can be seen before it is confirmed. */
export function RestoreForm({ backup, item: chosen }: RestoreFormProps) {
  const t = useTexts();
  const navigate = useNavigate();
  const refresh = useRefresh();
  const [item, setItem] = useState(chosen ?? WHOLE);
  const [part, setPart] = useState('');
  const [place, setPlace] = useState<'folder' | 'source'>('folder');
  const [folder, setFolder] = useState('');
  const [source, setSource] = useState<string | null>(null);
  const [typed, setTyped] = useState('');
  const to = place === 'folder' ? folder.trim() : (source ?? '');
  const word = place === 'source' ? to : t('restore.word');
  const start = useMutation({
    mutationFn: () =>
      call<{ job_id: string }>('/api/v1/restores', {
        method: 'POST',
        body: {
          ...{ backup_id: backup.id, to, confirm_restore: true },
          ...(part.trim() || item ? { item: part.trim() || item } : {}),
        },
      }),
    async onSuccess({ job_id }) {
      void refresh('jobs');
      await navigate({ to: '/runs/$id', params: { id: job_id } });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (to !== '' && typed === word) start.mutate();
  };
  return (
    <form onSubmit={submit}>
      <div className="panel panel-body">
        <div className="steps">
          <Stack gap="xl">
            <Step number={1} title={t('restore.what')}>
              <What backup={backup} {...{ item, setItem, part, setPart }} />
            </Step>
            <Step number={2} title={t('restore.where')}>
              <Where
                {...{ place, setPlace, folder, setFolder, source, setSource }}
                problem={fieldProblem(start.error, 'to')}
              />
            </Step>
          </Stack>
          <Stack gap="xl">
            <Step number={3} title={t('restore.plan')}>
              <Consequences
                backup={backup}
                item={part.trim() || item}
                to={to}
                isReplacing={place === 'source'}
              />
            </Step>
            <Step number={4} title={t('restore.confirm')}>
              <Stack gap="sm" maw={440}>
                <TextInput
                  label={t('restore.typed', { word: word || '…' })}
                  autoComplete="off"
                  spellCheck={false}
                  disabled={to === ''}
                  value={typed}
                  onChange={(event) => setTyped(event.currentTarget.value)}
                />
                <ProblemNote error={start.error} />
                <div>
                  <Button
                    type="submit"
                    color={place === 'source' ? 'red' : undefined}
                    disabled={to === '' || typed !== word}
                    loading={start.isPending}
                  >
                    {t('restore.start')}
                  </Button>
                </div>
              </Stack>
            </Step>
          </Stack>
        </div>
      </div>
    </form>
  );
}

interface WhatProps {
  readonly backup: BackupDetail;
  readonly item: string;
  readonly setItem: (item: string) => void;
  readonly part: string;
  readonly setPart: (part: string) => void;
}

function What({ backup, item, setItem, part, setPart }: WhatProps) {
  const t = useTexts();
  const language = useLanguage();
  const { id, timestamp, plan, size_bytes, artifacts } = backup;
  return (
    <Stack gap="sm">
      <Text size="sm">
        {t('restore.from')}{' '}
        <Link to="/backups/$id" params={{ id }} className="link">
          {t('backup.title', { when: timeText(timestamp, language) })}
        </Link>
        {plan && `, ${plan}`}.{' '}
        <Link to="/restore" className="link">
          {t('restore.other')}
        </Link>
      </Text>
      <Radio.Group value={item} onChange={setItem} aria-label={t('restore.what')}>
        <Stack gap={6}>
          <Radio value={WHOLE} label={`${t('restore.whole')} (${sizeText(size_bytes, language)})`} />
          {artifacts.map(({ name, kind, size_bytes: bytes }) => (
            <Radio key={name} value={name} label={`${name} (${kind}, ${sizeText(bytes, language)})`} />
          ))}
        </Stack>
      </Radio.Group>
      <TextInput
        maw={440}
        label={t('restore.part')}
        description={t('restore.partHelp')}
        autoComplete="off"
        spellCheck={false}
        value={part}
        onChange={(event) => setPart(event.currentTarget.value)}
      />
    </Stack>
  );
}

interface WhereProps {
  readonly place: 'folder' | 'source';
  readonly setPlace: (place: 'folder' | 'source') => void;
  readonly folder: string;
  readonly setFolder: (folder: string) => void;
  readonly source: string | null;
  readonly setSource: (source: string | null) => void;
  readonly problem: string | null;
}

function Where({ place, setPlace, folder, setFolder, source, setSource, problem }: WhereProps) {
  const t = useTexts();
  const sources = useDocuments('sources').data?.items ?? [];
  return (
    <Stack gap="sm" maw={440}>
      <Radio.Group
        value={place}
        onChange={(value) => setPlace(value === 'source' ? 'source' : 'folder')}
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
      {place === 'folder' ? (
        <TextInput
          label={t('restore.path')}
          description={t('restore.pathHelp')}
          placeholder="/var/restore/today"
          autoComplete="off"
          spellCheck={false}
          error={problem}
          value={folder}
          onChange={(event) => setFolder(event.currentTarget.value)}
        />
      ) : (
        <Select
          label={t('restore.source')}
          data={sources.map(({ name }) => name)}
          value={source}
          onChange={setSource}
        />
      )}
    </Stack>
  );
}

interface ConsequencesProps {
  readonly backup: BackupDetail;
  readonly item: string;
  readonly to: string;
  readonly isReplacing: boolean;
}

/** The plan in words and numbers. */
function Consequences({ backup, item, to, isReplacing }: ConsequencesProps) {
  const t = useTexts();
  const language = useLanguage();
  if (to === '') return <Text size="sm">{t('restore.planWaits')}</Text>;
  const artifact = backup.artifacts.find(({ name }) => name === item);
  const bytes = item === '' ? backup.size_bytes : (artifact?.size_bytes ?? null);
  const copies = backup.copies.filter(({ state }) => state === 'present' || state === 'archived');
  const values = {
    what: item === '' ? t('restore.whole') : item,
    when: timeText(backup.timestamp, language),
    where: to,
  };
  return (
    <Stack gap="sm">
      <ul style={{ margin: 0, paddingLeft: '1.1rem', fontSize: '0.9rem', lineHeight: 1.7 }}>
        <li>{t('restore.planWhat', values)}</li>
        {bytes !== null && <li>{t('restore.planSize', { size: sizeText(bytes, language) })}</li>}
        <li>
          {copies.length > 0
            ? t('restore.planFrom', { names: copies.map(({ destination }) => destination).join(', ') })
            : t('restore.planNoCopy')}
        </li>
        {!isReplacing && <li>{t('restore.planSameNames')}</li>}
        <li>{t('restore.planChecks')}</li>
      </ul>
      {isReplacing && (
        <Alert
          variant="outline"
          color="red"
          icon={<IconAlertTriangle aria-hidden />}
          title={t('restore.planReplaces', values)}
        >
          {t('restore.planReplacesNext')}
        </Alert>
      )}
      {backup.status === 'incomplete' && (
        <Alert
          variant="outline"
          color="orange"
          icon={<IconAlertTriangle aria-hidden />}
          title={t('restore.planIncomplete')}
        />
      )}
    </Stack>
  );
}
