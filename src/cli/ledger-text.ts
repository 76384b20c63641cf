import type { LedgerReport } from '../server/ledger/proof/report.ts';
import type { KeyLine } from '../server/ledger/proof/schemas.ts';
import type { Entry } from '../server/ledger/proof/statements.ts';
import { formatCount, printable } from './format.ts';
import { renderTable } from './table.ts';

const shortTime = (iso: string) => iso.slice(0, 19).replace('T', ' ');

export function entryTable(entries: readonly Entry[]): string {
  return renderTable(
    [
      { title: 'entry', value: ({ seq }) => String(seq) },
      { title: 'time (UTC)', value: ({ at }) => shortTime(at) },
      { title: 'who', value: ({ actor_name, actor_id }) => actor_name ?? actor_id ?? '' },
      { title: 'tenant', value: ({ tenant_id }) => tenant_id ?? '' },
      { title: 'what', value: ({ action }) => action },
      { title: '', value: ({ outcome }) => outcome },
      {
        title: 'object',
        value: ({ object_kind, object_id }) => [object_kind, object_id].filter(Boolean).join(' '),
      },
    ],
    entries,
  );
}

export function keyTable(keys: readonly KeyLine[]): string {
  return renderTable(
    [
      { title: 'key id', value: ({ key_id }) => key_id },
      { title: '', value: ({ status }) => status },
      { title: 'host', value: ({ host }) => host },
      { title: 'since (UTC)', value: ({ activated_at }) => shortTime(activated_at) },
      { title: 'until (UTC)', value: ({ retired_at }) => (retired_at === null ? '' : shortTime(retired_at)) },
    ],
    keys,
  );
}

export function renderReport(report: LedgerReport): string {
  const streams = report.streams.map(
    ({ stream, entries, head, checkpoints }) =>
      `${stream}: ${formatCount(entries, 'entry', 'entries')} proven, ${formatCount(checkpoints, 'checkpoint')}${head ? `, the last of ${shortTime(head.at)} UTC` : ''}\n`,
  );
  const keys = report.keys.map(
    ({ keyId, status, pinned, entries }) =>
      `key ${keyId}  ${status}, ${formatCount(entries, 'entry', 'entries')}${pinned ? ', as pinned' : ''}\n`,
  );
  const { agreeing, upTo } = report.anchors;
  const anchors =
    agreeing > 0
      ? `${formatCount(agreeing, 'head')} kept elsewhere ${agreeing === 1 ? 'agrees' : 'agree'}, up to entry ${upTo.audit_vault} and read ${upTo.org_admin_reads}\n`
      : '';
  const warnings = report.warnings.map((text) => `note: ${printable(text)}\n`);
  const problems = report.problems.map(
    ({ code, where, line, message }) =>
      `WRONG (${code}) ${printable(where)}${line === null ? '' : ` line ${line}`}: ${printable(message)}\n`,
  );
  const end = report.ok
    ? 'the ledger is whole, as far as this can show\n'
    : 'THE LEDGER DOES NOT PROVE ITSELF; next: keep it as it is, and see docs/ledger.md\n';
  return [...streams, ...keys, anchors, ...warnings, ...problems, end].join('');
}

/** Where no key of a folder may sign for a ledger that has begun: why, and what to do. */
export const mayNotSign = (keyFolder: string) =>
  `no key in ${keyFolder} may sign for it; next: run holdfast ledger key new here, and holdfast ledger key admit on a machine that signs already`;
