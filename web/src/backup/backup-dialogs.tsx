import { Checkbox, Stack, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { call, codeOf, pathWith } from '../api/client.ts';
import { useBackupContent } from '../api/content.ts';
import { useRefresh } from '../api/queries.ts';
import { Dialog } from '../parts/form.tsx';
import { TypedConfirm } from '../parts/typed-confirm.tsx';
import { useTexts } from '../texts/texts.ts';

export interface CopiesChanged {
  readonly destinations: readonly { readonly destination: string; readonly error: string | null }[];
}

interface BackupDialogProps {
  readonly id: string;
  readonly onClose: () => void;
  /** Also when it did not work everywhere. */
  readonly onDone: (changed: CopiesChanged) => void;
}

/** Ends a hold; shows why somebody placed it. */
export function ReleaseDialog({ id, onClose, onDone }: BackupDialogProps) {
  const t = useTexts();
  const holds = useBackupContent(id).data?.holds ?? [];
  const refresh = useRefresh();
  const release = useMutation({
    mutationFn: () => call<CopiesChanged>(`/api/v1/backups/${id}/hold`, { method: 'DELETE' }),
    async onSuccess(changed) {
      await refresh('backups', 'ledger');
      onDone(changed);
    },
  });
  return (
    <Dialog title={t('backup.release')} onClose={onClose}>
      <Stack gap="sm">
        <Text size="sm">
          {t('backup.releaseText', { reason: holds.map(({ reason }) => reason ?? '–').join('; ') || '–' })}
        </Text>
        <TypedConfirm
          word={t('backup.word.release')}
          action={t('backup.release')}
          onConfirm={() => release.mutate()}
          isPending={release.isPending}
          error={release.error}
          isDangerous
        />
      </Stack>
    </Dialog>
  );
}

/** Moves a backup to the archive. The last good one of its plan only when that was said. */
export function ArchiveDialog({ id, onClose, onDone }: BackupDialogProps) {
  const t = useTexts();
  const refresh = useRefresh();
  const [evenLast, setEvenLast] = useState(false);
  const archive = useMutation({
    mutationFn: () =>
      call<CopiesChanged>(
        pathWith(`/api/v1/backups/${id}`, { confirm_delete: 'true', last_good: String(evenLast) }),
        { method: 'DELETE' },
      ),
    async onSuccess(changed) {
      await refresh('backups', 'health', 'ledger');
      onDone(changed);
    },
  });
  return (
    <Dialog title={t('backup.archive')} onClose={onClose}>
      <Stack gap="sm">
        <Text size="sm">{t('backup.archiveText')}</Text>
        {(codeOf(archive.error) === 'in_use' || evenLast) && (
          <Checkbox
            label={t('backup.archiveLast')}
            checked={evenLast}
            onChange={(event) => setEvenLast(event.currentTarget.checked)}
          />
        )}
        <TypedConfirm
          word={t('backup.word.archive')}
          action={t('backup.archive')}
          onConfirm={() => archive.mutate()}
          isPending={archive.isPending}
          error={archive.error}
          isDangerous
        />
      </Stack>
    </Dialog>
  );
}
