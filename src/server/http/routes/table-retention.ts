/** Tables that grow: what is kept of them, and thinning one now. */
import { answers, isoOrNull, listOf } from '../../../contracts/api/common.ts';
import {
  retainedTable,
  tablePreview,
  tableRetentionAnswer,
  tableRetentionRequest,
} from '../../../contracts/api/table-retention.ts';
import { nameOf } from '../../access/identity.ts';
import { requireDocument } from '../../configuration/documents.ts';
import {
  listRetainedTables,
  type RetainedTableRule,
  requireRetainedTable,
} from '../../configuration/retained-tables.ts';
import { settingValues } from '../../configuration/settings.ts';
import { lastTableJob } from '../../history/table-jobs.ts';
import { requestTableRetention } from '../../runs/request-table-retention.ts';
import { nextTableDueMs } from '../../schedule/table-slots.ts';
import { type App, authorOf, identityOf, type ServerContext, visibleTenants } from '../context.ts';
import { redact } from '../redact.ts';
import type { TenantOf } from '../route-access.ts';
import { previewTable } from '../table-preview.ts';

const tenantOfSource: TenantOf = async (request, { catalog }) =>
  (await requireDocument(catalog.db, 'source', (request.body as { source: string }).source)).tenantId;

export function addTableRetentionRoutes(app: App, context: ServerContext): void {
  const { catalog, queue } = context;
  const tags = ['backups'];
  const url = '/api/v1/table-retention';
  app.route({
    method: 'GET',
    url,
    config: { access: { permission: 'plans:read', tenant: 'visible' } },
    schema: {
      tags,
      summary: 'Tables whose old rows are archived and deleted',
      response: answers(listOf(retainedTable)),
    },
    handler: async (request) => {
      const visible = visibleTenants(request);
      const tables = (await listRetainedTables(catalog.db)).filter(
        ({ source: { tenantId } }) => visible === null || (tenantId !== null && visible.includes(tenantId)),
      );
      return { items: await Promise.all(tables.map((one) => tablePayload(context, one))) };
    },
  });
  app.route({
    method: 'POST',
    url,
    config: { access: { permission: 'backups:delete', tenant: tenantOfSource, dangerous: true } },
    schema: {
      tags,
      summary: 'Archive and delete old rows of a table now',
      description:
        'As the rule in the configuration of the source says. A row is deleted only when it is equal to one that was read back from the archive.',
      body: tableRetentionRequest,
      response: answers(tableRetentionAnswer, 202),
    },
    handler: async (request, reply) => {
      const { source, table } = request.body;
      const one = await requireRetainedTable(catalog.db, source, table);
      const via = authorOf(request, context).origin === 'ui' ? 'ui' : 'api';
      const asked = { via, requestedBy: nameOf(identityOf(request)) } as const;
      const { job, created } = await catalog.transaction((trx) =>
        requestTableRetention(trx, queue, one, asked),
      );
      return reply.code(202).send({
        ...{ job_id: job.id, status: job.status },
        outcome: created ? ('accepted' as const) : ('duplicate' as const),
      });
    },
  });
  app.route({
    method: 'POST',
    url: `${url}/preview`,
    config: { access: { permission: 'backups:trigger', tenant: tenantOfSource } },
    schema: {
      tags,
      summary: 'How many rows of a table would go now; changes nothing',
      description: 'Counts in the database itself, which may take a while in a large table.',
      body: tableRetentionRequest,
      response: answers(tablePreview),
    },
    handler: async (request, reply) => previewTable(context, reply, request.body),
  });
}

async function tablePayload({ catalog }: ServerContext, one: RetainedTableRule) {
  const { source, table, rule } = one;
  const settings = await settingValues(catalog.db, source.tenantId);
  const last = await lastTableJob(catalog.db, source, table);
  return {
    ...{ source: source.name, table, tenant_id: source.tenantId },
    ...{ max_age_days: rule.maxAgeDays ?? null, max_rows: rule.maxRows ?? null },
    ...{ keep_archives_days: rule.keepArchivesDays, schedule: rule.schedule ?? null },
    next_due_at: isoOrNull(nextTableDueMs(one, settings, catalog.clock.nowMs())),
    last_job: last && {
      ...{ id: last.id, status: last.status, finished_at: isoOrNull(last.finishedAtMs) },
      ...{ deleted: last.deleted, error: last.error && redact(last.error) },
    },
  };
}
