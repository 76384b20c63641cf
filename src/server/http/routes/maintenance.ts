/** Work that somebody asks for between the scheduled runs: as jobs, and holds at once. */
import { answers } from '../../../contracts/api/common.ts';
import {
  copiesChanged,
  destinationWork,
  holdRequest,
  planWork,
  verifyWork,
} from '../../../contracts/api/maintenance.ts';
import { backupParam, restoreAnswer as jobAnswer } from '../../../contracts/api/runs.ts';
import { requireDocument } from '../../configuration/documents.ts';
import { type JobRequest, PRIORITY } from '../../jobs/port.ts';
import type { PrunePayload, ReplicatePayload, RotatePayload, VerifyPayload } from '../../worker/port.ts';
import type { App, ServerContext } from '../context.ts';
import { atEachCopy } from '../copies.ts';
import type { TenantOf } from '../route-access.ts';
import { tenantOfBackup } from './backups.ts';

/** Of the plan that the body names; what names none concerns all. */
const tenantOfPlan: TenantOf = async (request, { catalog }) => {
  const { plan } = request.body as { plan?: string };
  return plan === undefined ? null : (await requireDocument(catalog.db, 'plan', plan)).tenantId;
};

export function addMaintenanceRoutes(app: App, context: ServerContext): void {
  addJobs(app, context);
  addHolds(app, context);
}

function addJobs(app: App, context: ServerContext): void {
  const { catalog, queue } = context;
  const tags = ['backups'];
  const ofPlan = async (name: string) => {
    const { id, tenantId, body } = await requireDocument(catalog.db, 'plan', name);
    return { planId: id, plan: name, tenantId, label: body.label ?? null };
  };
  const ask = async (request: JobRequest) => {
    const { job } = await queue.enqueue({ priority: PRIORITY.requested, ...request });
    return { job_id: job.id, status: job.status };
  };
  app.route({
    method: 'POST',
    url: '/api/v1/verify',
    config: { access: { permission: 'backups:trigger', tenant: tenantOfPlan } },
    schema: {
      tags,
      summary: 'Check stored bytes, every copy',
      body: verifyWork,
      response: answers(jobAnswer, 202),
    },
    handler: async (request, reply) => {
      const { plan = null, destination = null, backup_id: backupId = null, share, heal } = request.body;
      if (destination !== null) await requireDocument(catalog.db, 'destination', destination);
      const payload: VerifyPayload = { plan, destination, backupId, share, heal };
      const about = plan === null ? {} : await ofPlan(plan);
      // One that reads a part, or mends nothing, does not stand for one that was asked to.
      const singletonKey = ['verify', plan, destination, backupId, share, heal].join(':');
      return reply.code(202).send(await ask({ kind: 'verify', payload, ...about, singletonKey }));
    },
  });
  app.route({
    method: 'POST',
    url: '/api/v1/replicate',
    config: { access: { permission: 'backups:trigger', tenant: tenantOfPlan } },
    schema: { tags, summary: 'Make missing copies', body: planWork, response: answers(jobAnswer, 202) },
    handler: async (request, reply) => {
      const payload: ReplicatePayload = { plan: request.body.plan };
      const about = await ofPlan(payload.plan);
      const singletonKey = `replicate:${payload.plan}`;
      return reply.code(202).send(await ask({ kind: 'replicate', payload, ...about, singletonKey }));
    },
  });
  app.route({
    method: 'POST',
    url: '/api/v1/rotate',
    config: { access: { permission: 'backups:delete', tenant: tenantOfPlan, dangerous: true } },
    schema: {
      tags,
      summary: 'Apply retention: what goes can be brought back for 30 days',
      body: planWork,
      response: answers(jobAnswer, 202),
    },
    handler: async (request, reply) => {
      const payload: RotatePayload = { plan: request.body.plan };
      const about = await ofPlan(payload.plan);
      const singletonKey = `rotate:${payload.plan}`;
      return reply.code(202).send(await ask({ kind: 'rotate', payload, ...about, singletonKey }));
    },
  });
  app.route({
    method: 'POST',
    url: '/api/v1/prune',
    config: { access: { permission: 'backups:delete', dangerous: true } },
    schema: {
      tags,
      summary: 'Give space back that nothing uses any more',
      body: destinationWork,
      response: answers(jobAnswer, 202),
    },
    handler: async (request, reply) => {
      const payload: PrunePayload = request.body;
      await requireDocument(catalog.db, 'destination', payload.destination);
      const keys = {
        concurrencyKey: `destination:${payload.destination}`,
        singletonKey: `prune:${payload.destination}`,
      };
      return reply.code(202).send(await ask({ kind: 'prune', payload, ...keys }));
    },
  });
}

function addHolds(app: App, context: ServerContext): void {
  const { catalog } = context;
  const tags = ['backups'];
  const setHeld = (id: string, held: 0 | 1) =>
    catalog.db.updateTable('backups').set({ held }).where('id', '=', id).execute();
  app.route({
    method: 'PUT',
    url: '/api/v1/backups/:id/hold',
    config: { access: { permission: 'backups:trigger', tenant: tenantOfBackup } },
    schema: {
      tags,
      summary: 'Keep a backup whatever retention says, at every destination',
      params: backupParam,
      body: holdRequest,
      response: answers(copiesChanged),
    },
    handler: async (request) => {
      const { id } = request.params;
      const changed = await atEachCopy(context, id, (engine) => engine.placeHold(id, request.body.reason));
      await setHeld(id, 1);
      return changed;
    },
  });
  app.route({
    method: 'DELETE',
    url: '/api/v1/backups/:id/hold',
    config: { access: { permission: 'backups:delete', tenant: tenantOfBackup, dangerous: true } },
    schema: { tags, summary: 'Release a hold', params: backupParam, response: answers(copiesChanged) },
    handler: async (request) => {
      const { id } = request.params;
      const changed = await atEachCopy(context, id, (engine) => engine.releaseHold(id));
      await setHeld(id, 0);
      return changed;
    },
  });
  app.route({
    method: 'POST',
    url: '/api/v1/backups/:id/undelete',
    config: { access: { permission: 'backups:trigger', tenant: tenantOfBackup } },
    schema: {
      tags,
      summary: 'Bring back from the archive',
      params: backupParam,
      response: answers(copiesChanged),
    },
    handler: async (request) => {
      const { id } = request.params;
      const changed = await atEachCopy(context, id, (engine) => engine.undelete(id));
      await catalog.transaction(async (trx) => {
        await trx.updateTable('backups').set({ archived_at: null }).where('id', '=', id).execute();
        await trx
          .updateTable('backup_copies')
          .set({ state: 'present' })
          .where('backup_id', '=', id)
          .where('state', '=', 'archived')
          .execute();
      });
      return changed;
    },
  });
}
