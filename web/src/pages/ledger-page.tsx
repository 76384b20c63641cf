import { Stack } from '@mantine/core';
import { LedgerEntries } from '../ledger/ledger-entries.tsx';
import { Heads, SigningKeys } from '../ledger/ledger-keys.tsx';
import { LedgerProof } from '../ledger/ledger-proof.tsx';
import { useMayEverywhere } from '../parts/may.ts';
import { PageHead } from '../parts/page-head.tsx';
import { useTexts } from '../texts/texts.ts';

/** Somebody of one tenant sees its entries; the chain can be proven only by who sees all of it. */
export function LedgerPage() {
  const t = useTexts();
  const everywhere = useMayEverywhere();
  return (
    <Stack gap="md">
      <PageHead title={t('nav.ledger')} text={t('ledger.text')} />
      {everywhere('ledger:read') && <LedgerProof />}
      <LedgerEntries />
      {everywhere('ledger:read') && (
        <>
          <Heads />
          <SigningKeys />
        </>
      )}
    </Stack>
  );
}
