import { Button, Menu, Text, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type ComponentProps, type Ref, useEffect, useRef, useState } from 'react';
import { call } from '../api/client.ts';
import { useRefresh } from '../api/queries.ts';
import type { Backup } from '../api/types.ts';
import { ArchiveDialog, type CopiesChanged, ReleaseDialog } from '../backup/backup-dialogs.tsx';
import { useDownload } from '../backup/download-file.ts';
import { useLanguage, useTexts } from '../texts/texts.ts';
import { timeText } from '../texts/values.ts';
import { Dialog, Form } from './form.tsx';
import { useMay } from './may.ts';
import { ProblemNote } from './problem-note.tsx';

interface BackupActionsProps {
  readonly backup: Pick<Backup, 'id' | 'plan' | 'held' | 'archived_at' | 'timestamp'>;
  /** In a list, where several stand together. */
  readonly isCompact?: boolean;
}

/**
 * What can be done with a backup besides restoring it: download, check, hold, archive, bring back. In a list there is only the button
 * until somebody uses it: a menu for each row took longer than all the rest of the row.
 */
export function BackupActions({ backup, isCompact = false }: BackupActionsProps) {
  const [isUsed, setUsed] = useState(false);
  if (!isCompact || isUsed) return <Actions backup={backup} isCompact={isCompact} />;
  return (
    <MoreButton
      timestamp={backup.timestamp}
      isCompact
      aria-haspopup="menu"
      aria-expanded={false}
      onClick={() => setUsed(true)}
    />
  );
}

interface MoreButtonProps extends ComponentProps<'button'> {
  readonly timestamp: string;
  readonly isCompact: boolean;
  readonly isBusy?: boolean;
  readonly ref?: Ref<HTMLButtonElement>;
}

/** Further properties are those that a menu gives what opens it. */
function MoreButton({ timestamp, isCompact, isBusy = false, color: _, ...others }: MoreButtonProps) {
  const t = useTexts();
  const language = useLanguage();
  return (
    <Button
      {...others}
      variant="default"
      size={isCompact ? 'xs' : 'sm'}
      {...(isCompact && { 'aria-label': t('backup.moreNamed', { when: timeText(timestamp, language) }) })}
      loading={isBusy}
    >
      {t('backup.more')}
    </Button>
  );
}

function Actions({ backup, isCompact }: Required<BackupActionsProps>) {
  const t = useTexts();
  const may = useMay();
  const navigate = useNavigate();
  const refresh = useRefresh();
  const [asking, setAsking] = useState<'hold' | 'release' | 'archive' | null>(null);
  const [changed, setChanged] = useState<CopiesChanged | null>(null);
  const path = `/api/v1/backups/${backup.id}`;
  const done = (result: CopiesChanged) => {
    setAsking(null);
    setChanged(result);
  };
  const download = useDownload();
  const undelete = useMutation({
    mutationFn: () => call<CopiesChanged>(`${path}/undelete`, { method: 'POST', body: {} }),
    async onSuccess(result) {
      await refresh('backups', 'ledger');
      setChanged(result);
    },
  });
  const verify = useMutation({
    mutationFn: () =>
      call<{ job_id: string }>('/api/v1/verify', {
        method: 'POST',
        body: { backup_id: backup.id, ...(backup.plan ? { plan: backup.plan } : {}) },
      }),
    onSuccess: ({ job_id }) => navigate({ to: '/runs/$id', params: { id: job_id } }),
  });
  // In a list it is here because somebody asked for it, by a button that this one replaced.
  const opener = useRef<HTMLButtonElement>(null);
  const [isOpen, setOpen] = useState(false);
  useEffect(() => {
    if (!isCompact) return;
    opener.current?.focus();
    setOpen(true);
  }, [isCompact]);
  if (!may('backups:download') && !may('backups:trigger')) return null;
  return (
    <>
      <Menu position="bottom-end" opened={isOpen} onChange={setOpen}>
        <Menu.Target>
          <MoreButton
            ref={opener}
            timestamp={backup.timestamp}
            isCompact={isCompact}
            isBusy={undelete.isPending || verify.isPending}
          />
        </Menu.Target>
        <Menu.Dropdown>
          {may('backups:download') && (
            <>
              <Menu.Item onClick={() => download.mutate(`${path}/download?compression=gzip`)}>
                {t('backup.download')} (.tar.gz.enc)
              </Menu.Item>
              <Menu.Item onClick={() => download.mutate(`${path}/download?compression=zstd`)}>
                {t('backup.download')} (.tar.zst.enc)
              </Menu.Item>
            </>
          )}
          {may('backups:trigger') && (
            <Menu.Item onClick={() => verify.mutate()}>{t('backup.verify')}</Menu.Item>
          )}
          {may('backups:trigger') && !backup.held && (
            <Menu.Item onClick={() => setAsking('hold')}>{t('backup.hold')}</Menu.Item>
          )}
          {may('backups:delete') && backup.held && (
            <Menu.Item onClick={() => setAsking('release')}>{t('backup.release')}</Menu.Item>
          )}
          {may('backups:trigger') && backup.archived_at && (
            <Menu.Item onClick={() => undelete.mutate()}>{t('backup.undelete')}</Menu.Item>
          )}
          {may('backups:delete') && !backup.held && !backup.archived_at && (
            <Menu.Item color="red" onClick={() => setAsking('archive')}>
              {t('backup.archive')}
            </Menu.Item>
          )}
        </Menu.Dropdown>
      </Menu>
      <ProblemNote error={download.error ?? undelete.error ?? verify.error} />
      {changed && <Partly changed={changed} />}
      {asking === 'hold' && <Hold path={path} onClose={() => setAsking(null)} onDone={done} />}
      {asking === 'release' && <ReleaseDialog id={backup.id} onClose={() => setAsking(null)} onDone={done} />}
      {asking === 'archive' && <ArchiveDialog id={backup.id} onClose={() => setAsking(null)} onDone={done} />}
    </>
  );
}

/** A destination that did not answer still holds the old state. */
function Partly({ changed: { destinations } }: { readonly changed: CopiesChanged }) {
  const t = useTexts();
  const names = destinations.filter(({ error }) => error !== null).map(({ destination }) => destination);
  if (names.length === 0) return null;
  return (
    <Text size="sm" className="tone-doubt" role="alert">
      {t('backup.partly', { names: names.join(', ') })}
    </Text>
  );
}

interface HoldProps {
  readonly path: string;
  readonly onClose: () => void;
  readonly onDone: (changed: CopiesChanged) => void;
}

/** A hold has a reason: whoever finds it in a year must know whether it can go. */
function Hold({ path, onClose, onDone }: HoldProps) {
  const t = useTexts();
  const refresh = useRefresh();
  const [reason, setReason] = useState('');
  const hold = useMutation({
    mutationFn: () => call<CopiesChanged>(`${path}/hold`, { method: 'PUT', body: { reason } }),
    async onSuccess(changed) {
      await refresh('backups', 'ledger');
      onDone(changed);
    },
  });
  return (
    <Dialog title={t('backup.hold')} onClose={onClose}>
      <Form sending={hold} submit={t('backup.hold')}>
        <Text size="sm">{t('backup.holdText')}</Text>
        <TextInput
          label={t('backup.holdReason')}
          required
          data-autofocus
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
        />
      </Form>
    </Dialog>
  );
}
