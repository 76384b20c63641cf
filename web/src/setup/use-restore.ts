import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { codeOf } from '../api/client.ts';
import type { SetupRestore, SetupS3 } from '../api/types.ts';
import { type SendProgress, sendBundle, type Upload } from '../upload/send-bundle.ts';
import type { Placement } from './placement.ts';
import { targetsOf } from './placement.ts';
import { setupCall, setupUploads } from './setup-calls.ts';

/** Kept for this window, so that loading the page again does not lose a restore that is under way. */
const STORED = 'holdfast-setup-restore';
const LIVE_MS = 500;

export type From =
  | { readonly kind: 'upload'; readonly file: File; readonly key: string }
  | { readonly kind: 's3'; readonly place: SetupS3; readonly backupId: string };

export const isUnderWay = ({ state }: SetupRestore) => state === 'opening' || state === 'restoring';

/** A restore on day 0: opened from somewhere, placed, followed until its end. */
export function useSetupRestore(token: string) {
  const [id, setId] = useState<string | null>(null);
  const [left, setLeft] = useState(() => sessionStorage.getItem(STORED));
  const [sent, setSent] = useState<SendProgress | null>(null);
  const [uploaded, setUploaded] = useState<{ file: File; answer: Upload } | null>(null);
  const follow = (next: string | null) => {
    setId(next);
    setLeft(null);
    if (next) sessionStorage.setItem(STORED, next);
    else sessionStorage.removeItem(STORED);
  };
  const status = useQuery({
    queryKey: ['setup-restore', id],
    queryFn: () => setupCall<SetupRestore>(token, 'status', { restore_id: id }),
    enabled: id !== null,
    refetchInterval: ({ state: { data, error } }) => {
      if (error && codeOf(error) !== 'server_unreachable') return false;
      return !data || isUnderWay(data) || error ? LIVE_MS : false;
    },
  });
  const open = useMutation({
    async mutationFn(from: From) {
      if (from.kind === 's3') {
        return setupCall<{ restore_id: string }>(token, 's3', { ...from.place, backup_id: from.backupId });
      }
      let answer = uploaded?.file === from.file ? uploaded.answer : null;
      if (!answer) {
        answer = await sendBundle(setupUploads(token), from.file, setSent).finally(() => setSent(null));
        setUploaded({ file: from.file, answer });
      }
      const body = { upload_id: answer.id, encryption_key: from.key };
      return setupCall<{ restore_id: string }>(token, 'open', body);
    },
    onSuccess: ({ restore_id }) => follow(restore_id),
    onError(error) {
      // What was sent is kept for a day.
      if (codeOf(error) === 'item_unknown') setUploaded(null);
    },
  });
  const apply = useMutation({
    mutationFn: (placement: Placement) =>
      setupCall<SetupRestore>(token, 'apply', {
        ...targetsOf(placement),
        ...{ restore_id: id, confirm_restore: true },
      }),
    onSuccess: () => status.refetch(),
  });
  return {
    view: id === null ? null : (status.data ?? null),
    ...{ id, status, open, apply, sent },
    upload: uploaded?.answer ?? null,
    /** A restore of this window that is not followed yet. */
    left,
    follow,
  };
}

export type SetupRestoring = ReturnType<typeof useSetupRestore>;
