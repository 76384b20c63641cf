import { newKey, s3Test } from '../../../contracts/api/administration.ts';
import { answers } from '../../../contracts/api/common.ts';
import { testResult } from '../../../contracts/api/configuration.ts';
import { generateKeyText, keyIdOf } from '../../../engine/index.ts';
import { listDocuments } from '../../configuration/documents.ts';
import { vettedAgents } from '../../outbound/index.ts';
import type { App, ServerContext } from '../context.ts';
import { RequestProblem } from '../problem.ts';
import { s3Address } from '../s3-address.ts';
import { refuseEndpoint, tested, testStored } from '../test-destinations.ts';
import { addBackupList, addDownload, addTrigger, addTriggerHistory } from './shared.ts';

const BASE = '/api/admin/backups';

export function addAdminRoutes(app: App, context: ServerContext): void {
  const tags = ['administration'];
  addBackupList(app, context, {
    ...{ url: BASE, tags, summary: 'Backups with the size of each database, newest first' },
  });
  addTrigger(app, context, {
    ...{ url: `${BASE}/trigger`, tags, summary: 'Start a backup now', knownTenant: false },
  });
  addTriggerHistory(app, context, {
    ...{ url: `${BASE}/triggers`, tags, summary: 'Every request for a backup and its result' },
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
  addDownload(app, context, { url: `${BASE}/:id/download`, tags });
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
