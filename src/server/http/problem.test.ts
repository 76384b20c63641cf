import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ErrorCode } from '../../engine/index.ts';
import { statusOf } from './problem.ts';

test('a status tells whose trouble it is: of what was sent, of others on the way, or of this server', () => {
  const expected: Readonly<Record<number, readonly ErrorCode[]>> = {
    400: ['config_invalid', 'request_invalid', 'schedule_invalid'],
    404: ['plan_unknown', 'job_unknown', 'repository_missing'],
    409: ['document_changed', 'target_busy'],
    422: ['source_missing', 'source_denied', 'source_damaged', 'key_wrong'],
    500: ['internal', 'object_damaged', 'catalog_failed', 'ledger_damaged'],
    502: ['storage_unreachable', 'storage_denied', 'database_failed', 'kms_unreachable', 'kms_refused'],
    503: ['catalog_unreachable', 'source_busy'],
  };
  for (const [status, codes] of Object.entries(expected)) {
    for (const code of codes) assert.equal(statusOf(code), Number(status), code);
  }
});
