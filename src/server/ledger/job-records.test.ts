import assert from 'node:assert/strict';
import { test } from 'node:test';
import { redact } from '../http/redact.ts';
import type { NewEntry } from './append.ts';
import { type JobFact, jobRecorder } from './job-records.ts';

test('what a program said when it failed enters the ledger without the passwords in it', async () => {
  const entries: NewEntry[] = [];
  const keep = async (_: unknown, given: readonly NewEntry[]) => void entries.push(...given);
  const recorder = jobRecorder({ recordIn: keep } as never, (error) => assert.ifError(error), redact);
  const job: JobFact = {
    ...{ id: 'one', kind: 'drill', status: 'failed', tenantId: null, plan: 'nightly', part: null },
    ...{ payload: {}, attempt: 1, workerId: null, result: null },
    error: { code: 'drill_failed', message: 'smoke: exit code 1: postgres://app:canary@db/shop is down' },
  };
  await recorder.jobEnded(null as never, job);
  const { error } = entries[0]!.detail as { error?: unknown };
  assert.deepEqual(error, {
    code: 'drill_failed',
    message: 'smoke: exit code 1: postgres://app:***@db/shop is down',
  });
});
