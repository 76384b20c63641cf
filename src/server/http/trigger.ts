/** Asking for runs, for every route that does. */
import type { FastifyRequest } from 'fastify';
import { type BackupType, HoldfastError } from '../../engine/index.ts';
import { isAllowed, nameOf } from '../access/identity.ts';
import { listDocuments, type StoredDocument } from '../configuration/documents.ts';
import { OWN_PLAN } from '../configuration/own-plan.ts';
import { recordTrigger, requestBackup } from '../runs/request-backup.ts';
import { authorOf, identityOf, type ServerContext } from './context.ts';
import { RequestProblem } from './problem.ts';

export interface TriggerAsked {
  /** Null for the only one there is, of the tenant if one is named. */
  readonly plan: string | null;
  /** Undefined for any. */
  readonly tenantId: string | null | undefined;
  readonly part: string | null;
  readonly type: BackupType | null;
}

/**
 * The plan that is meant. Throws `plan_unknown` when there is none, `request_invalid` when several fit, `not_permitted` for the
 * plan of a tenant that is not the caller's.
 */
export async function planMeant(
  request: FastifyRequest,
  { catalog }: ServerContext,
  asked: Pick<TriggerAsked, 'plan' | 'tenantId'>,
): Promise<StoredDocument<'plan'>> {
  const identity = identityOf(request);
  const all = await listDocuments(
    catalog.db,
    'plan',
    asked.tenantId === undefined ? {} : { tenantId: asked.tenantId },
  );
  const own = all.filter(({ tenantId }) => isAllowed(identity, 'backups:trigger', tenantId));
  // The plan of the catalog itself runs only by its name.
  const fitting = own.filter(({ name }) => (asked.plan === null ? name !== OWN_PLAN : name === asked.plan));
  if (fitting.length === 1) return fitting[0]!;
  if (fitting.length > 1) {
    const names = fitting.map(({ name }) => name).join(', ');
    throw new RequestProblem([{ field: 'plan', message: `several plans fit, name one of: ${names}` }]);
  }
  const what = asked.plan === null ? 'plan' : `plan ${asked.plan}`;
  const whose = asked.tenantId ? ` of tenant ${asked.tenantId}` : '';
  throw new HoldfastError('plan_unknown', `there is no ${what}${whose}`);
}

/** Asks for a run. The same `Idempotency-Key` of the same person gives the same run; a refusal stays in the history, too. */
export async function trigger(request: FastifyRequest, context: ServerContext, asked: TriggerAsked) {
  const { catalog, queue } = context;
  const identity = identityOf(request);
  const author = authorOf(request, context);
  const via = author.origin === 'ui' ? ('ui' as const) : ('api' as const);
  const common = {
    part: asked.part,
    type: asked.type,
    via,
    requestedBy: nameOf(identity),
    atMs: author.atMs,
  };
  const key = idempotencyKey(request);
  let plan: StoredDocument<'plan'> | null = null;
  try {
    plan = await planMeant(request, context, asked);
    const known = plan;
    request.tenantId = known.tenantId;
    const idempotency = key === null ? null : `http:${identity.userId}:${key}`;
    const { triggerId, job, created } = await catalog.transaction((trx) =>
      requestBackup(trx, queue, { ...common, plan: known, idempotencyKey: idempotency }),
    );
    if (!created && job.planId !== known.id) {
      throw new RequestProblem([{ field: 'Idempotency-Key', message: 'was used for another request' }]);
    }
    return {
      ...{ trigger_id: triggerId, job_id: job.id, status: job.status },
      outcome: created ? ('accepted' as const) : ('duplicate' as const),
    };
  } catch (error) {
    if (error instanceof HoldfastError && error.code !== 'internal') {
      const refused = { outcome: 'refused' as const, message: error.message, jobId: null };
      await catalog.transaction((trx) => recordTrigger(trx, { ...common, plan }, refused));
    }
    throw error;
  }
}

/** Null for none. Throws `RequestProblem` for one that is not printable. */
export function idempotencyKey({ headers }: FastifyRequest): string | null {
  const key = headers['idempotency-key'];
  if (key === undefined) return null;
  if (typeof key === 'string' && /^[\x21-\x7e]{1,200}$/.test(key)) return key;
  throw new RequestProblem([{ field: 'Idempotency-Key', message: 'must be 1 to 200 printable characters' }]);
}
