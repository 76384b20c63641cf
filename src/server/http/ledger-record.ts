import type { CatalogLedger } from '../ledger/catalog-ledger.ts';
import type { AccessRecord } from './context.ts';

/** Reads of backup data have a stream of their own; who asks with HEAD for the size of a download is among them. */
const READS =
  /^((GET|HEAD) .*\/(download|tree|file|compare)|(GET|HEAD) .*\/evidence\.(json|html)|POST \/api\/v1\/restores(\/plan)?|POST \/api\/setup\/restore\/.*)$/;

/** Writes what was done through the service into the ledger. Throws `ledger_not_written`, and the request fails. */
export function recordInLedger(ledger: CatalogLedger): (entry: AccessRecord) => Promise<void> {
  return async (entry) => {
    const { action, actor, userId, tokenId, object, status, address } = entry;
    await ledger.recordOrRefuse({
      stream: READS.test(action) ? 'org_admin_reads' : 'audit_vault',
      tenantId: entry.tenantId,
      actor:
        actor === null
          ? { kind: 'setup', id: null, name: null }
          : { kind: tokenId === null ? 'user' : 'token', id: tokenId ?? userId, name: actor },
      action: actionOf(action),
      object: objectOf(object),
      outcome: status < 400 ? 'succeeded' : status < 500 ? 'refused' : 'failed',
      detail: { request: action, status, address, ...object },
      atMs: entry.atMs,
    });
  };
}

/** `POST /api/v1/plans/:name/run` is `api.plans.run`; what has no verb of its own has that of its method. */
function actionOf(action: string): string {
  const [method, url] = action.split(' ') as [string, string];
  const parts = url
    .split('/')
    .filter((part) => !/^(|api|v1|functions|:.*)$/.test(part))
    .map((part) => part.replaceAll('-', '_'));
  const verb = { PUT: 'change', PATCH: 'change', DELETE: 'delete' }[method];
  return ['api', ...parts, ...(verb ? [verb] : [])].join('.');
}

function objectOf(object: AccessRecord['object']): { kind: string; id: string } | null {
  const [first] = Object.entries(object);
  return first ? { kind: first[0], id: first[1] } : null;
}
