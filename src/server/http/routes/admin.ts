import { newKey, s3Test, triggerRequest } from '../../../contracts/api/administration.ts';
import { answers, pageOf } from '../../../contracts/api/common.ts';
import { testResult } from '../../../contracts/api/configuration.ts';
import {
  backup,
  backupParam,
  backupQuery,
  downloadQuery,
  runAnswer,
  triggerQuery,
  trigger as triggerSchema,
} from '../../../contracts/api/runs.ts';
import { generateKeyText, keyIdOf } from '../../../engine/index.ts';
import { listDocuments } from '../../configuration/documents.ts';
import { vettedAgents } from '../../outbound/index.ts';
import { listBackups } from '../backup-list.ts';
import { type App, type ServerContext, visibleTenants } from '../context.ts';
import { sendBundle } from '../download.ts';
import { RequestProblem } from '../problem.ts';
import { s3Address } from '../s3-address.ts';
import { refuseEndpoint, tested, testStored } from '../test-destinations.ts';
import { trigger } from '../trigger.ts';
import { triggerHistory } from '../trigger-history.ts';
import { tenantOfBackup } from './backups.ts';

const BASE = '/api/admin/backups';

export function addAdminRoutes(app: App, context: ServerContext): void {
  const { catalog } = context;
  const tags = ['administration'];
  app.route({
    method: 'GET',
    url: BASE,
    config: { access: { permission: 'backups:read', tenant: 'visible' } },
    schema: {
      tags,
      summary: 'Backups with the size of each database, newest first',
      querystring: backupQuery,
      response: answers(pageOf(backup)),
    },
    handler: async (request) =>
      listBackups(catalog.db, visibleTenants(request), {
        ...request.query,
        archived: request.query.archived === 'true',
      }),
  });
  app.route({
    method: 'POST',
    url: `${BASE}/trigger`,
    // The plan says whose it is; `trigger` looks only among those the caller may run.
    config: { access: { permission: 'backups:trigger', tenant: 'visible' } },
    schema: { tags, summary: 'Start a backup now', body: triggerRequest, response: answers(runAnswer, 202) },
    handler: async (request, reply) => {
      const { plan, tenant_id, part, type } = request.body;
      const asked = { plan: plan ?? null, tenantId: tenant_id, part: part ?? null, type: type ?? null };
      return reply.code(202).send(await trigger(request, context, asked));
    },
  });
  app.route({
    method: 'GET',
    url: `${BASE}/triggers`,
    config: { access: { permission: 'jobs:read', tenant: 'visible' } },
    schema: {
      tags,
      summary: 'Every request for a backup and its result',
      querystring: triggerQuery,
      response: answers(pageOf(triggerSchema)),
    },
    handler: async (request) => triggerHistory(context, visibleTenants(request), request.query),
  });
  app.route({
    method: 'POST',
    url: `${BASE}/test-s3`,
    config: { access: { permission: 'destinations:test' } },
    schema: {
      tags,
      summary: 'Write, read back and delete; says which permission is missing',
      body: s3Test,
      response: answers(testResult),
    },
    handler: async (request) => testS3(context, request.body),
  });
  app.route({
    method: 'GET',
    url: `${BASE}/:id/download`,
    config: {
      access: { permission: 'backups:download', tenant: tenantOfBackup, dangerous: true },
      recorded: true,
    },
    schema: {
      tags,
      summary: 'A backup as one encrypted bundle',
      params: backupParam,
      querystring: downloadQuery,
      produces: ['application/octet-stream'],
    },
    handler: async (request, reply) =>
      sendBundle(context, reply, request.params.id, request.query.compression),
  });
  app.route({
    method: 'POST',
    url: `${BASE}/generate-encryption-key`,
    config: { access: { permission: 'keys:generate' } },
    schema: { tags, summary: 'A new key, shown once and kept nowhere', response: answers(newKey) },
    handler: async () => {
      const encryption_key = generateKeyText();
      return { encryption_key, key_id: keyIdOf(encryption_key) };
    },
  });
}

/** What is given, or a stored destination, or the only one on S3. */
async function testS3(context: ServerContext, given: typeof s3Test._zod.output) {
  const { destination, access_key_id, secret_access_key, bucket, ...place } = given;
  if (bucket === undefined) {
    const all = await listDocuments(context.catalog.db, 'destination');
    const stored = all.filter(({ body }) => /^(s3|supabase):/.test(body.address));
    const name = destination ?? (stored.length === 1 ? stored[0]!.name : null);
    if (name !== null) return testStored(context, name);
    throw new RequestProblem([
      { field: 'bucket', message: 'is missing, and no single stored destination is on S3' },
    ]);
  }
  if (place.endpoint !== undefined) await refuseEndpoint(context, place.endpoint);
  const credentials =
    access_key_id !== undefined && secret_access_key !== undefined
      ? {
          credentials: {
            accessKeyId: access_key_id,
            secretAccessKey: secret_access_key,
            sessionToken: undefined,
          },
        }
      : {};
  return tested({
    address: s3Address({ ...place, bucket }),
    storage: { s3: { ...credentials, agents: vettedAgents({ policy: context.outbound }) } },
  });
}
