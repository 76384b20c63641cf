import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import { answers, iso } from '../../../contracts/api/common.ts';
import {
  applyRestore,
  begun,
  foundBackups,
  listS3,
  openS3,
  openUpload,
  restoreState,
  stateRequest,
  uploadAnswer,
} from '../../../contracts/api/setup-restore.ts';
import { HoldfastError } from '../../../engine/index.ts';
import { vettedAgents } from '../../outbound/index.ts';
import { type DayZero, dayZeroRestores, type Place } from '../../restores/day-zero.ts';
import { receiveUpload, uploadedFile } from '../../restores/upload.ts';
import { uploadSessions } from '../../restores/upload-sessions.ts';
import { rebuildCatalog } from '../../worker/rebuild-catalog.ts';
import type { App, ServerContext } from '../context.ts';
import { RequestProblem } from '../problem.ts';
import { redact } from '../redact.ts';
import { s3Address } from '../s3-address.ts';
import { refuseEndpoint } from '../test-destinations.ts';
import { addSending } from './uploads.ts';

const BASE = '/api/setup/restore';
const ACCESS = { access: { setup: true } } as const;
/** Whose uploads these are while nobody owns the server. */
const SETUP = 'setup';
const UPLOADS = ['application/octet-stream', 'multipart/form-data'];

export function addSetupRestoreRoutes(app: App, context: ServerContext): void {
  const { catalog, settings } = context;
  const folder = join(settings.home, 'uploads');
  const sessions = uploadSessions(join(settings.home, 'incoming'), settings.uploadLimitBytes);
  const readDestinations = (signal: AbortSignal) => rebuildCatalog(context, { signal });
  const restores = dayZeroRestores(catalog, { ...settings, readDestinations });
  app.addHook('onClose', async () => {
    await restores.close();
    await rm(folder, { recursive: true, force: true });
  });
  app.addContentTypeParser('application/octet-stream', (_request, payload, done) => done(null, payload));
  const tags = ['setup'];
  addSending(
    app,
    { sessions, imports: { stateOf: () => null } },
    {
      ...{ url: `${BASE}/uploads`, tags, config: ACCESS, ownerOf: () => SETUP },
    },
  );
  app.route({
    method: 'POST',
    url: `${BASE}/upload`,
    config: { ...ACCESS, takes: UPLOADS },
    schema: {
      tags,
      summary: 'Upload a bundle, as application/octet-stream or as the one file of a form',
      description: 'X-Content-SHA256 may announce the SHA-256 of the bytes, in hex.',
      consumes: UPLOADS,
      response: answers(uploadAnswer, 201),
    },
    handler: async (request, reply) => {
      const upload = await receive(request, folder, settings.uploadLimitBytes);
      return reply
        .code(201)
        .send({ upload_id: upload.id, size_bytes: upload.sizeBytes, sha256: upload.sha256 });
    },
  });
  app.route({
    method: 'POST',
    url: `${BASE}/open`,
    config: ACCESS,
    schema: {
      tags,
      summary: 'Check an uploaded bundle, all of it',
      body: openUpload,
      response: answers(begun, 202),
    },
    handler: async (request, reply) => {
      const { upload_id, encryption_key } = request.body;
      const session = await sessions.get(upload_id, SETUP).catch(() => null);
      const file = session ? sessions.file(session) : await uploadedFile(folder, upload_id);
      const { id } = restores.openBundle(file, encryption_key);
      return reply.code(202).send({ restore_id: id });
    },
  });
  app.route({
    method: 'POST',
    url: `${BASE}/s3/list`,
    config: ACCESS,
    schema: { tags, summary: 'What a repository on S3 holds', body: listS3, response: answers(foundBackups) },
    handler: async (request) => {
      const found = await restores.list(await placeOf(context, request.body));
      return {
        items: found.map(({ id, plan, tenantId, type, timestampMs, sizeBytes }) => ({
          ...{ id, plan, tenant_id: tenantId, type, timestamp: iso(timestampMs), size_bytes: sizeBytes },
        })),
      };
    },
  });
  app.route({
    method: 'POST',
    url: `${BASE}/s3`,
    config: ACCESS,
    schema: {
      tags,
      summary: 'Open a backup in a repository on S3',
      body: openS3,
      response: answers(begun, 202),
    },
    handler: async (request, reply) => {
      const { backup_id, ...place } = request.body;
      const { id } = restores.openPlace(await placeOf(context, place), backup_id ?? 'latest');
      return reply.code(202).send({ restore_id: id });
    },
  });
  app.route({
    method: 'POST',
    url: `${BASE}/apply`,
    config: ACCESS,
    schema: {
      tags,
      summary: 'Place what was opened',
      body: applyRestore,
      response: answers(restoreState, 202),
    },
    handler: async (request, reply) => {
      const { restore_id, targets, catalog: artifact } = request.body;
      targets.forEach(({ to }, i) => {
        if (/^(\/|postgres(ql)?:\/\/)/.test(to)) return;
        throw new RequestProblem([
          { field: `targets.${i}.to`, message: 'must be an absolute path or a postgres:// address' },
        ]);
      });
      const view = restores.apply(restore_id, { targets, catalog: artifact ?? null });
      return reply.code(202).send(payloadOf(view));
    },
  });
  app.route({
    method: 'POST',
    url: `${BASE}/status`,
    config: ACCESS,
    schema: { tags, summary: 'How far it is', body: stateRequest, response: answers(restoreState) },
    handler: async (request) => payloadOf(restores.get(request.body.restore_id)),
  });
}

async function receive(request: FastifyRequest, folder: string, limitBytes: number) {
  const { 'content-length': length, 'x-content-sha256': sha256 } = request.headers;
  const announced = typeof sha256 === 'string' ? sha256 : null;
  const declaredBytes = length === undefined ? null : Number(length);
  if (!request.isMultipart()) {
    const content = (request.body as Readable | null) ?? Readable.from([]);
    return receiveUpload(folder, content, { limitBytes, declaredBytes, sha256: announced });
  }
  const part = await request.file({ limits: { fileSize: limitBytes, files: 1 } });
  if (!part) throw new RequestProblem([{ field: 'file', message: 'is missing' }]);
  const upload = await receiveUpload(folder, part.file, { limitBytes, declaredBytes, sha256: announced });
  // The parser ends the file when the form is cut, or at its limit.
  if (part.file.truncated) throw new HoldfastError('request_too_large');
  return upload;
}

async function placeOf(context: ServerContext, given: typeof listS3._zod.output): Promise<Place> {
  const { access_key_id, secret_access_key, encryption_key, ...place } = given;
  if (place.endpoint !== undefined) await refuseEndpoint(context, place.endpoint);
  const credentials =
    access_key_id !== undefined && secret_access_key !== undefined
      ? { credentials: { accessKeyId: access_key_id, secretAccessKey: secret_access_key } }
      : {};
  return {
    address: s3Address(place),
    storage: { s3: { ...credentials, agents: vettedAgents({ policy: context.outbound }) } },
    ...{ layout: 'repository', keyTexts: [encryption_key] },
  };
}

function payloadOf(view: DayZero) {
  const { id, state, phase, backup, takenOver, error } = view;
  return {
    ...{ restore_id: id, state, phase, bytes_done: view.bytesDone, bytes_total: view.bytesTotal },
    backup: backup && {
      ...{ id: backup.id, plan: backup.plan, tenant_id: backup.tenantId, timestamp: iso(backup.timestampMs) },
      artifacts: backup.artifacts.map(({ name, kind, sizeBytes }) => ({ name, kind, size_bytes: sizeBytes })),
    },
    restored: view.restored.map(({ item, target, sizeBytes }) => ({
      ...{ item, target: redact(target), size_bytes: sizeBytes },
    })),
    kept: view.kept.map(({ target, keptAt }) => ({ target: redact(target), kept_at: redact(keptAt) })),
    taken_over: takenOver,
    warnings: view.warnings.map(redact),
    error: error && { ...error, message: redact(error.message), next: redact(error.next) },
  };
}
