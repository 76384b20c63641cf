/** Asking for drills. */
import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { drillRequest } from '../../contracts/api/drills.ts';
import { HoldfastError } from '../../engine/index.ts';
import { isAllowed, nameOf } from '../access/identity.ts';
import { findDocument, requireDocument } from '../configuration/documents.ts';
import { withoutHidden } from '../configuration/hidden-values.ts';
import type { Job } from '../jobs/port.ts';
import { type DrillAsked, requestDrill } from '../runs/request-drill.ts';
import type { DrillPayload } from '../worker/port.ts';
import { destinationsHolding, requireBackup } from './backup-list.ts';
import { authorOf, identityOf, type ServerContext } from './context.ts';
import { requireFreshProof } from './guard.ts';
import { RequestProblem } from './problem.ts';
import type { TenantOf } from './route-access.ts';
import { idempotencyKey } from './trigger.ts';

type Asked = z.output<typeof drillRequest>;

/** The tenant of the plan or backup that the body names. */
export const tenantOfDrilled: TenantOf = async (request, { catalog }) => {
  const { plan, backup_id } = request.body as Asked;
  if (plan !== undefined) return (await requireDocument(catalog.db, 'plan', plan)).tenantId;
  return (await requireBackup(catalog.db, backup_id!)).tenant_id;
};

/**
 * Asks for a drill. The same `Idempotency-Key` of the same person gives the same drill. Throws `not_permitted` for checks of
 * somebody who may not write plans of this machine, `proof_needed`, `id_unknown`.
 */
export async function askDrill(request: FastifyRequest, context: ServerContext) {
  const { catalog, queue } = context;
  const identity = identityOf(request);
  const { checks = null, ...named } = request.body as Asked;
  // They run commands on the machine that drills.
  if (checks !== null && !isAllowed(identity, 'plans:write', null)) {
    throw new HoldfastError(
      'not_permitted',
      'checks of a trial run need the permission plans:write everywhere',
    );
  }
  if (checks !== null) requireFreshProof(identity, catalog.clock.nowMs());
  const key = idempotencyKey(request);
  const what = await drilled(context, named);
  const asked: DrillAsked = {
    ...what,
    checks: checks && withoutHiddenIn(checks, what.plan),
    via: authorOf(request, context).origin === 'ui' ? 'ui' : 'api',
    requestedBy: nameOf(identity),
    idempotencyKey: key === null ? null : `http-drill:${identity.userId}:${key}`,
  };
  const { job, created } = await catalog.transaction((trx) => requestDrill(trx, queue, asked));
  if (!created && !isSame(job, asked)) {
    throw new RequestProblem([{ field: 'Idempotency-Key', message: 'was used for another request' }]);
  }
  return {
    ...{ job_id: job.id, status: job.status },
    outcome: created ? ('accepted' as const) : ('duplicate' as const),
  };
}

/** A trial begins with the checks of the plan as they were read. */
function withoutHiddenIn(checks: NonNullable<DrillAsked['checks']>, plan: DrillAsked['plan']): typeof checks {
  const body = { drill: { checks } };
  return withoutHidden('plan', plan?.name ?? 'none', body, plan?.body).drill.checks;
}

function isSame({ planId, payload }: Job, { plan, backup, checks }: DrillAsked): boolean {
  const before = payload as DrillPayload;
  return (
    planId === (plan?.id ?? null) &&
    before.backupId === (backup?.id ?? null) &&
    JSON.stringify(before.checks) === JSON.stringify(checks)
  );
}

async function drilled(
  { catalog }: ServerContext,
  { plan, backup_id }: Omit<Asked, 'checks'>,
): Promise<Pick<DrillAsked, 'plan' | 'backup'>> {
  if (plan !== undefined) return { plan: await requireDocument(catalog.db, 'plan', plan), backup: null };
  const row = await requireBackup(catalog.db, backup_id!);
  const stored = row.plan === null ? null : await findDocument(catalog.db, 'plan', row.plan);
  const destinations = await destinationsHolding(catalog.db, row.id);
  if (destinations.length === 0) {
    throw new HoldfastError('id_unknown', `no destination holds the backup ${row.id} any more`);
  }
  return {
    // A plan of that name may be somebody else's by now.
    plan: stored?.tenantId === row.tenant_id ? stored : null,
    backup: { id: row.id, tenantId: row.tenant_id, plan: row.plan, part: row.part, destinations },
  };
}
