import { Alert, Button, Group, Progress, Stack, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { call, pathWith } from '../api/client.ts';
import { useRefresh } from '../api/queries.ts';
import type { Page } from '../api/types.ts';
import { CopyText } from '../parts/copy-button.tsx';
import { Panel } from '../parts/panel.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { StatusMark } from '../parts/status.tsx';
import { WithTime } from '../parts/with-time.tsx';
import { useLanguage, useTexts } from '../texts/texts.ts';
import { numberText } from '../texts/values.ts';
import type { LedgerEntry, LedgerHeads } from './ledger-types.ts';
import { type LedgerProblem, type LedgerReader, proveLedger } from './prove.ts';
import { forgetSeen, keepSeen, readSeen, type Seen } from './seen-heads.ts';

const MOST_AT_ONCE = 200;
const COMMAND = 'holdfast ledger dump ./ledger && holdfast ledger verify ./ledger';

export const readEntries: LedgerReader['entries'] = async (stream, after, action) => {
  const query = { stream, after, action, limit: MOST_AT_ONCE };
  return (await call<Page<LedgerEntry>>(pathWith('/api/v1/ledger', query))).items;
};

interface Proven {
  readonly problem: LedgerProblem | null;
  readonly count: number;
  readonly seen: Seen | null;
}

/** Every entry, computed again in the browser. */
export function LedgerProof() {
  const t = useTexts();
  const refresh = useRefresh();
  const [progress, setProgress] = useState<{ done: number; total: number } | null>(null);
  // Browsers do cryptography only for pages that nobody between could have changed.
  const isPossible = window.isSecureContext;
  const check = useMutation({
    async mutationFn(): Promise<Proven> {
      const heads = await call<LedgerHeads>('/api/v1/ledger/heads');
      const total = heads.heads.reduce((sum, { seq }) => sum + seq, 0);
      setProgress({ done: 0, total });
      const seen = readSeen();
      const onProgress = (done: number) => setProgress({ done, total });
      const problem = await proveLedger(heads, seen, { entries: readEntries, onProgress });
      if (problem === null) keepSeen(heads);
      return { problem, count: total, seen };
    },
    onSettled: () => refresh('ledger'),
  });
  return (
    <Panel
      title={t('ledger.proof')}
      actions={
        isPossible && (
          <Button size="xs" loading={check.isPending} onClick={() => check.mutate()}>
            {t('ledger.check')}
          </Button>
        )
      }
    >
      <Stack gap="sm">
        <Text size="sm">{t(isPossible ? 'ledger.checkText' : 'ledger.insecure')}</Text>
        {check.isPending && progress && <ProofProgress {...progress} />}
        <div aria-live="polite">
          <ProblemNote error={check.error} />
          {check.data && <Outcome proven={check.data} onForget={() => check.mutate()} />}
        </div>
        <Text size="sm">{t('ledger.dumpText')}</Text>
        <Group gap="xs">
          <span className="code">{COMMAND}</span>
          <CopyText text={COMMAND} />
        </Group>
      </Stack>
    </Panel>
  );
}

function ProofProgress({ done, total }: { readonly done: number; readonly total: number }) {
  const t = useTexts();
  const language = useLanguage();
  const label = t('ledger.checking', {
    done: numberText(done, language),
    total: numberText(total, language),
  });
  return (
    <div>
      <Text size="xs">{label}</Text>
      <Progress value={total === 0 ? 100 : (done / total) * 100} size="sm" aria-label={label} />
    </div>
  );
}

interface OutcomeProps {
  readonly proven: Proven;
  readonly onForget: () => void;
}

function Outcome({ proven: { problem, count, seen }, onForget }: OutcomeProps) {
  const t = useTexts();
  const language = useLanguage();
  if (problem === null) {
    return (
      <>
        <StatusMark status="succeeded" label={t('ledger.checked', { count: numberText(count, language) })} />
        <Text size="sm">
          {seen ? <WithTime text={t('ledger.seenBefore')} at={seen.at} relative /> : t('ledger.firstSeen')}
        </Text>
      </>
    );
  }
  const { kind, stream, seq } = problem;
  const isOfBefore = kind === 'rewritten' || kind === 'replaced';
  return (
    <Alert
      color="red"
      variant="outline"
      role="alert"
      title={t(`ledger.bad.${kind}`, { seq, stream: t(`ledger.stream.${stream}`) })}
    >
      <Stack gap="xs" align="flex-start">
        <Text size="sm">{t('ledger.bad.next')}</Text>
        {isOfBefore && (
          <Button
            size="xs"
            variant="default"
            onClick={() => {
              forgetSeen();
              onForget();
            }}
          >
            {t('ledger.forget')}
          </Button>
        )}
      </Stack>
    </Alert>
  );
}
