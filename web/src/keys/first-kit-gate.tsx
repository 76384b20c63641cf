import { lazy, Suspense, useState } from 'react';
import { useKit } from '../api/keys.ts';
import { useMayEverywhere } from '../parts/may.ts';

const FirstKit = lazy(async () => ({ default: (await import('./first-kit.tsx')).FirstKit }));

/**
 * While an installation is set up, nobody gets past the recovery kit: it is worth the most on a day when nobody thought of it before.
 * Of a server that has backups nothing stands in the way.
 */
export function FirstKitGate() {
  const isFirst = useKit(useMayEverywhere()('keys:generate')).data?.first === true;
  // Stays until it is closed, though the server does not ask for it any more once it was downloaded.
  const [state, setState] = useState<'closed' | 'open' | 'done'>('closed');
  if (isFirst && state === 'closed') setState('open');
  if (state !== 'open') return null;
  return (
    <Suspense fallback={null}>
      <FirstKit onClose={() => setState('done')} />
    </Suspense>
  );
}
