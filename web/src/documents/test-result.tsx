import { Text } from '@mantine/core';
import { call } from '../api/client.ts';
import type { TestResult } from '../api/types.ts';
import type { ChannelTest } from '../api/upkeep.ts';
import { NextStep, Said } from '../parts/said.tsx';
import { type Status, StatusMark } from '../parts/status.tsx';
import { useLanguage, useTexts } from '../texts/texts.ts';
import { durationText } from '../texts/values.ts';

export type Tested = 'destinations' | 'channels';
export type TestAnswer = TestResult | ChannelTest;

/** Writes, reads back and deletes at a destination; sends a notice to a channel. */
export const testOne = (kind: Tested, name: string) =>
  call<TestAnswer>(`/api/v1/${kind}/${encodeURIComponent(name)}/test`, { method: 'POST', body: {} });

const MARKS: Readonly<Record<string, Status>> = { ok: 'succeeded', warning: 'warning', problem: 'failed' };

interface TestOutcomeProps {
  readonly answer: TestAnswer;
  /** Only the one sentence, unless something is wrong. */
  readonly isShort?: boolean;
}

/** What came of a test, and what to do about it. */
export function TestOutcome({ answer, isShort = false }: TestOutcomeProps) {
  const t = useTexts();
  const language = useLanguage();
  if (!('checks' in answer)) {
    const { ok, error, duration_ms } = answer;
    const text = ok ? (
      t('maintenance.sent', { time: durationText(duration_ms / 1000, language) })
    ) : error ? (
      <Said text={error} />
    ) : (
      t('test.bad')
    );
    return <StatusMark status={ok ? 'succeeded' : 'failed'} label={text} />;
  }
  const { ok, checks } = answer;
  const shown = isShort ? checks.filter(({ status }) => status !== 'ok') : checks;
  return (
    <>
      {isShort && ok ? (
        <StatusMark status="succeeded" label={t('test.good')} />
      ) : (
        !isShort && <Text fw={600}>{t(ok ? 'test.good' : 'test.bad')}</Text>
      )}
      {shown.map((check) => (
        <div key={check.name}>
          <StatusMark status={MARKS[check.status] ?? 'failed'} label={<Said text={check.message} />} />
          {check.next && <NextStep error={{ code: '', message: '', next: check.next }} />}
        </div>
      ))}
    </>
  );
}
