import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LedgerReport } from '../server/ledger/proof/report.ts';
import { renderReport } from './ledger-text.ts';

test('one head agrees, two agree', () => {
  const told = (agreeing: number) =>
    renderReport({
      ...{ ok: true, ledgerId: null, streams: [], keys: [], warnings: [], problems: [] },
      anchors: { agreeing, upTo: { audit_vault: 7, org_admin_reads: 1 } },
    } as unknown as LedgerReport).split('\n')[0];
  assert.equal(told(1), '1 head kept elsewhere agrees, up to entry 7 and read 1');
  assert.equal(told(2), '2 heads kept elsewhere agree, up to entry 7 and read 1');
});
