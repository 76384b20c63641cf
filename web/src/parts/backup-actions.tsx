import { Button, Menu, Text, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { call, proven } from '../api/client.ts';
import { useRefresh } from '../api/queries.ts';
import type { BackupDetail } from '../api/types.ts';
import { useTexts } from '../texts/texts.ts';
import { Dialog, Form } from './form.tsx';
import { useMay } from './may.ts';
import { ProblemNote } from './problem-note.tsx';

interface CopiesChanged {
  readonly destinations: readonly { readonly destination: string; readonly error: string | null }[];
}

/** What can be done with a backup besides restoring it: download, check, hold, bring back. */
export function BackupActions({ backup }: { readonly backup: BackupDetail }) {
  const t = useTexts();
  const may = useMay();
  const navigate = useNavigate();
  const refresh = useRefresh();
  const [isHolding, setHolding] = useState(false);
  const path = `/api/v1/backups/${backup.id}`;
  const download = useMutation({
    // A link would show a refusal as a page: the password is asked for first, where it is needed.
    async mutationFn(compression: 'gzip' | 'zstd') {
      if (await proven()) window.location.assign(`${path}/download?compression=${compression}`);
    },
  });
  const change = useMutation({
    mutationFn: ([method, what]: readonly ['DELETE' | 'POST', 'hold' | 'undelete']) =>
      call<CopiesChanged>(`${path}/${what}`, { method, ...(method === 'POST' ? { body: {} } : {}) }),
    onSuccess: () => refresh('backups'),
  });
  const verify = useMutation({
    mutationFn: () =>
      call<{ job_id: string }>('/api/v1/verify', {
        method: 'POST',
        body: { backup_id: backup.id, ...(backup.plan ? { plan: backup.plan } : {}) },
      }),
    onSuccess: ({ job_id }) => navigate({ to: '/runs/$id', params: { id: job_id } }),
  });
  if (!may('backups:download') && !may('backups:trigger')) return null;
  return (
    <>
      <Menu position="bottom-end">
        <Menu.Target>
          <Button variant="default" loading={change.isPending || verify.isPending}>
            {t('backup.more')}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {may('backups:download') && (
            <>
              <Menu.Item onClick={() => download.mutate('gzip')}>
                {t('backup.download')} (.tar.gz.enc)
              </Menu.Item>
              <Menu.Item onClick={() => download.mutate('zstd')}>
                {t('backup.download')} (.tar.zst.enc)
              </Menu.Item>
            </>
          )}
          {may('backups:trigger') && (
            <Menu.Item onClick={() => verify.mutate()}>{t('backup.verify')}</Menu.Item>
          )}
          {may('backups:trigger') && !backup.held && (
            <Menu.Item onClick={() => setHolding(true)}>{t('backup.hold')}</Menu.Item>
          )}
          {may('backups:delete') && backup.held && (
            <Menu.Item onClick={() => change.mutate(['DELETE', 'hold'])}>{t('backup.release')}</Menu.Item>
          )}
          {may('backups:trigger') && backup.archived_at && (
            <Menu.Item onClick={() => change.mutate(['POST', 'undelete'])}>{t('backup.undelete')}</Menu.Item>
          )}
        </Menu.Dropdown>
      </Menu>
      <ProblemNote error={download.error ?? change.error ?? verify.error} />
      {isHolding && <Hold path={path} onClose={() => setHolding(false)} />}
    </>
  );
}

/** A hold has a reason: whoever finds it in a year must know whether it can go. */
function Hold({ path, onClose }: { readonly path: string; readonly onClose: () => void }) {
  const t = useTexts();
  const refresh = useRefresh();
  const [reason, setReason] = useState('');
  const hold = useMutation({
    mutationFn: () => call<CopiesChanged>(`${path}/hold`, { method: 'PUT', body: { reason } }),
    async onSuccess() {
      await refresh('backups');
      onClose();
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
