/** Bundles sent in pieces, after tus: POST says how much, PATCH with Upload-Offset sends, HEAD asks how far it is. */
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { answers, iso, nothing } from '../../../contracts/api/common.ts';
import {
  importUpload,
  uploadParam,
  uploadRequest,
  upload as uploadSchema,
} from '../../../contracts/api/uploads.ts';
import { HOUR_MS } from '../../../engine/index.ts';
import { requireDocument } from '../../configuration/documents.ts';
import { type Imports, uploadImports } from '../../restores/import-uploads.ts';
import { type UploadSession, type UploadSessions, uploadSessions } from '../../restores/upload-sessions.ts';
import { type App, identityOf, type ServerContext } from '../context.ts';
import { RequestProblem } from '../problem.ts';
import { redact } from '../redact.ts';

const URL = '/api/v1/uploads';
const PIECE = ['application/offset+octet-stream', 'application/octet-stream'];
/** Not by roles in tenants: a bundle may hold anything, and what is imported lies where all of them may. */
const ACCESS = { access: { permission: 'backups:restore' } } as const;
const tags = ['backups'];

interface Uploads {
  readonly sessions: UploadSessions;
  readonly imports: Imports;
}

export function addUploadRoutes(app: App, context: ServerContext): void {
  const { catalog, settings } = context;
  const folder = join(settings.home, 'incoming');
  const sessions = uploadSessions(folder, settings.uploadLimitBytes);
  const uploads: Uploads = { sessions, imports: uploadImports(context, sessions) };
  const sweeping = setInterval(() => void sessions.sweep(), HOUR_MS).unref();
  app.addHook('onClose', async () => {
    clearInterval(sweeping);
    await uploads.imports.close();
  });
  app.addContentTypeParser(PIECE[0]!, (_request, payload, done) => done(null, payload));
  addSending(app, uploads);
  app.route({
    method: 'POST',
    url: `${URL}/:id/import`,
    config: { access: { ...ACCESS.access, dangerous: true } },
    schema: {
      tags,
      summary: 'Check an uploaded bundle, all of it, and take it into a destination',
      description: 'Goes on after the answer; GET tells how far it is, and which backup it became.',
      params: uploadParam,
      body: importUpload,
      response: answers(uploadSchema, 202),
    },
    handler: async (request, reply) => {
      const { destination, encryption_key: key = null } = request.body;
      await requireDocument(catalog.db, 'destination', destination);
      const session = await sessionOf(request, uploads);
      uploads.imports.begin(session, destination, key);
      return reply.code(202).send(payloadOf(session, uploads));
    },
  });
}

function addSending(app: App, uploads: Uploads): void {
  const { sessions } = uploads;
  app.route({
    method: 'POST',
    url: URL,
    config: ACCESS,
    schema: {
      tags,
      summary: 'Begin the upload of a bundle',
      body: uploadRequest,
      response: answers(uploadSchema, 201),
    },
    handler: async (request, reply) => {
      const { size_bytes: sizeBytes, sha256 = null, name = null } = request.body;
      const { userId } = identityOf(request);
      const session = await sessions.create({ sizeBytes, sha256, name, userId });
      return answer(reply.code(201).header('location', `${URL}/${session.id}`), session, uploads);
    },
  });
  app.route({
    method: 'GET',
    url: `${URL}/:id`,
    config: ACCESS,
    schema: {
      tags,
      summary: 'How far an upload is; HEAD tells it in Upload-Offset',
      params: uploadParam,
      response: answers(uploadSchema),
    },
    handler: async (request, reply) => answer(reply, await sessionOf(request, uploads), uploads),
  });
  app.route({
    method: 'PATCH',
    url: `${URL}/:id`,
    config: { ...ACCESS, takes: PIECE },
    schema: {
      tags,
      summary: 'Send the next bytes, which begin at Upload-Offset',
      description:
        'What came before a connection broke stays. The last piece is answered once the SHA-256 is checked.',
      params: uploadParam,
      headers: z.object({ 'upload-offset': z.coerce.number().int().min(0) }),
      consumes: PIECE,
      response: answers(uploadSchema),
    },
    handler: async (request, reply) => {
      const { id } = request.params;
      const offset = request.headers['upload-offset'];
      const content = request.body as Readable | undefined;
      if (!content) throw new RequestProblem([{ field: '', message: 'the bytes are missing' }]);
      const session = await sessions.append(id, identityOf(request).userId, offset, content);
      return answer(reply, session, uploads);
    },
  });
  app.route({
    method: 'DELETE',
    url: `${URL}/:id`,
    config: ACCESS,
    schema: { tags, summary: 'Give an upload up', params: uploadParam, response: answers(nothing) },
    handler: async (request) => {
      await sessions.remove(request.params.id, identityOf(request).userId);
      return {};
    },
  });
}

const sessionOf = (request: FastifyRequest, { sessions }: Uploads) =>
  sessions.get((request.params as { id: string }).id, identityOf(request).userId);

function answer(reply: FastifyReply, session: UploadSession, uploads: Uploads) {
  reply.header('upload-offset', session.offset).header('upload-length', session.sizeBytes);
  return reply.send(payloadOf(session, uploads) as never);
}

function payloadOf(session: UploadSession, { imports }: Uploads): z.input<typeof uploadSchema> {
  const { id, name, sizeBytes, offset, sha256 } = session;
  const running = imports.stateOf(id);
  // It may have ended since the session was read.
  const backupId = session.backupId ?? running?.backupId ?? null;
  const error = running?.error ?? null;
  return {
    ...{
      id,
      name,
      size_bytes: sizeBytes,
      offset,
      sha256,
      backup_id: backupId,
      state: stateOf({ ...session, backupId }, imports),
    },
    ...{ created_at: iso(session.createdAtMs), expires_at: iso(session.expiresAtMs) },
    ...{ phase: running?.phase ?? null, bytes_done: running?.bytesDone ?? 0 },
    bytes_total: running?.bytesTotal ?? null,
    error: error && { ...error, message: redact(error.message), next: redact(error.next) },
  };
}

function stateOf({ id, backupId, isComplete }: UploadSession, imports: Imports) {
  if (backupId !== null) return 'imported' as const;
  const running = imports.stateOf(id);
  if (running?.isRunning) return 'importing' as const;
  if (running?.error) return 'failed' as const;
  return isComplete ? ('complete' as const) : ('receiving' as const);
}
