import { answers } from '../../../contracts/api/common.ts';
import { ledgerHeads, ledgerPage, ledgerQuery } from '../../../contracts/api/ledger.ts';
import { placeOfCatalog } from '../../ledger/catalog-place.ts';
import { listLedger } from '../../ledger/list-entries.ts';
import type { App, ServerContext } from '../context.ts';
import { tenantOfQuery } from './settings.ts';

export function addLedgerRoutes(app: App, { catalog, ledger }: ServerContext): void {
  const tags = ['ledger'];
  app.route({
    method: 'GET',
    url: '/api/v1/ledger',
    config: { access: { permission: 'ledger:read', tenant: tenantOfQuery } },
    schema: {
      tags,
      summary: 'Entries, newest first',
      querystring: ledgerQuery,
      response: answers(ledgerPage),
    },
    handler: async (request) => {
      const { stream, limit, after, tenant_id, action, object_id } = request.query;
      const entries = await listLedger(placeOfCatalog(catalog).db, {
        ...{ stream, limit: limit + 1 },
        ...(after === undefined ? {} : { beforeSeq: after }),
        ...(tenant_id === undefined ? {} : { tenantId: tenant_id }),
        ...(action === undefined ? {} : { action }),
        ...(object_id === undefined ? {} : { objectId: object_id }),
      });
      const items = entries.slice(0, limit).map((entry) => ({ ...entry }));
      return { items, next: entries.length > limit ? items.at(-1)!.seq : null };
    },
  });
  app.route({
    method: 'GET',
    url: '/api/v1/ledger/heads',
    config: { access: { permission: 'ledger:read' } },
    schema: { tags, summary: 'Where its streams end', response: answers(ledgerHeads) },
    handler: async () => {
      const found = await ledger.heads();
      return { ledger_id: found?.ledgerId ?? null, heads: (found?.heads ?? []).map((head) => ({ ...head })) };
    },
  });
}
