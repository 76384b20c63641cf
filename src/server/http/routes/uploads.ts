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
import { HOUR_MS, HoldfastError } from '../../../engine/index.ts';
import { requireDocument } from '../../configuration/documents.ts';
import { type Imports, uploadImports } from '../../restores/import-uploads.ts';
import { type UploadSession, type UploadSessions, uploadSessions } from '../../restores/upload-sessions.ts';
import { type App, identityOf, type ServerContext } from '../context.ts';
import { RequestProblem } from '../problem.ts';
import { redact } from '../redact.ts';
import type { RouteAccess } from '../route-access.ts';

const URL = '/api/v1/uploads';
const PIECE = ['application/offset+octet-stream', 'application/octet-stream'];
/** Not by roles in tenants: a bundle may hold anything, and what is imported lies where all of them may. */
const ACCESS = { access: { permission: 'backups:restore' } } as const;
const tags = ['backups'];

export interface Uploads {
  readonly sessions: UploadSessions;
  readonly imports: Pick<Imports, 'stateOf'>;
}

export function addUploadRoutes(app: App, context: ServerContext): void {
  const { catalog, settings } = context;
  const folder = join(settings.home, 'incoming');
  const sessions = uploadSessions(folder, settings.uploadLimitBytes);
  const imports = uploadImports(context, sessions);
  const uploads: Uploads = { sessions, imports };
  const sweeping = setInterval(() => void sessions.sweep(), HOUR_MS).unref();
  app.addHook('onReady', () => sessions.sweep());
  app.addHook('onClose', async () => {
    clearInterval(sweeping);
    await imports.close();
  });
  app.addContentTypeParser(PIECE[0]!, (_request, payload, done) => done(null, payload));
  const ownerOf = (request: FastifyRequest) => identityOf(request).userId;
  addSending(app, uploads, { url: URL, tags, config: ACCESS, ownerOf });
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
      request.about = { destination };
      await requireDocument(catalog.db, 'destination', destination);
      const session = await sessions.get(request.params.id, ownerOf(request));
      imports.begin(session, destination, key);
      return reply.code(202).send(payloadOf(session, uploads));
    },
  });
}

/** Where uploads are sent, by whom. */
export interface SendingPlace {
  readonly url: string;
  readonly tags: string[];
  readonly config: { readonly access: RouteAccess };
  readonly ownerOf: (request: FastifyRequest) => string;
}

/** The routes that send: the same while a server is set up and later. */
export function addSending(app: App, uploads: Uploads, place: SendingPlace): void {
  const { sessions } = uploads;
  const { url, tags, config, ownerOf } = place;
  const sessionOf = (request: FastifyRequest) =>
    sessions.get((request.params as { id: string }).id, ownerOf(request));
  app.route({
    method: 'POST',
    url,
    config,
    schema: {
      tags,
      summary: 'Begin the upload of a bundle',
      body: uploadRequest,
      response: answers(uploadSchema, 201),
    },
    handler: async (request, reply) => {
      const { size_bytes: sizeBytes, sha256 = null, name = null } = request.body;
      const session = await sessions.create({ sizeBytes, sha256, name, userId: ownerOf(request) });
      return answer(reply.code(201).header('location', `${url}/${session.id}`), session, uploads);
    },
  });
  app.route({
    method: 'GET',
    url: `${url}/:id`,
    config,
    schema: {
      tags,
      summary: 'How far an upload is; HEAD tells it in Upload-Offset',
      params: uploadParam,
      response: answers(uploadSchema),
    },
    handler: async (request, reply) => answer(reply, await sessionOf(request), uploads),
  });
  app.route({
    method: 'PATCH',
    url: `${url}/:id`,
    config: { ...config, takes: PIECE },
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
      const session = await sessions.append(id, ownerOf(request), offset, content);
      return answer(reply, session, uploads);
    },
  });
  app.route({
    method: 'DELETE',
    url: `${url}/:id`,
    config,
    schema: { tags, summary: 'Give an upload up', params: uploadParam, response: answers(nothing) },
    handler: async (request) => {
      const { id } = await sessionOf(request);
      if (uploads.imports.stateOf(id)?.isRunning) {
        throw new HoldfastError('upload_conflict', `the upload ${id} is being imported`);
      }
      await sessions.remove(request.params.id, ownerOf(request));
      return {};
    },
  });
}

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

function stateOf({ id, backupId, isComplete }: UploadSession, imports: Uploads['imports']) {
  if (backupId !== null) return 'imported' as const;
  const running = imports.stateOf(id);
  if (running?.isRunning) return 'importing' as const;
  if (running?.error) return 'failed' as const;
  return isComplete ? ('complete' as const) : ('receiving' as const);
}
