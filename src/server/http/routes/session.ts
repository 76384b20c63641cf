import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import {
  codeLogin,
  loginRequest,
  me,
  passwordChange,
  proof,
  sessionInfo,
} from '../../../contracts/api/access.ts';
import { answers, iso, listOf, nothing } from '../../../contracts/api/common.ts';
import { MINUTE_MS } from '../../../engine/index.ts';
import { logIn, logInByCode, type OpenedSession, proveAgain } from '../../access/login.ts';
import { hashPassword, refuseWeakPassword } from '../../access/passwords.ts';
import { PERMISSIONS, roleAllows } from '../../access/permissions.ts';
import { hashOf } from '../../access/secrets.ts';
import { endSession, endSessionsOf, openSession, PROOF_MS } from '../../access/sessions.ts';
import { isByProvider, requireUser, userOf } from '../../access/users.ts';
import { type App, identityOf, type ServerContext } from '../context.ts';
import { clearSessionCookie, sessionCookie, setSessionCookie } from '../cookies.ts';
import { userPayload, visitorOf } from '../payloads.ts';

/** Of one address, before the catalog is asked: guesses are counted there, and each costs it a write. */
const FLOOD = { max: 300, timeWindow: MINUTE_MS };

const SELF = { permission: 'account:self', tenant: 'visible' } as const;
const PERSON = { ...SELF, peopleOnly: true } as const;

export function addSessionRoutes(app: App, context: ServerContext): void {
  const { catalog, settings, sealKey } = context;
  const tags = ['session'];

  /** A new token at every login: whatever a browser held before is ended. */
  const begin = async (request: FastifyRequest, reply: FastifyReply, opened: OpenedSession) => {
    const before = sessionCookie(request, settings);
    if (before) await endSession(catalog.db, hashOf(before));
    setSessionCookie(request, reply, settings, opened.token);
    const user = await userOf(catalog.db, opened.user);
    return reply.code(201).send({ user: userPayload(user), expires_at: iso(opened.expiresAtMs) });
  };
  const began = z.object({
    user: z.object({ id: z.string(), name: z.string() }).loose(),
    expires_at: z.string(),
  });

  app.route({
    method: 'POST',
    url: '/api/v1/session',
    config: { access: { open: true }, rateLimit: FLOOD },
    schema: { tags, summary: 'Log in', body: loginRequest, response: answers(began, 201) },
    handler: async (request, reply) => {
      const login = { ...request.body, code: request.body.code ?? null };
      return begin(request, reply, await logIn(catalog, login, visitorOf(request), sealKey));
    },
  });
  app.route({
    method: 'POST',
    url: '/api/v1/session/code',
    config: { access: { open: true }, rateLimit: FLOOD },
    schema: {
      tags,
      summary: 'Log in with a code of the console',
      body: codeLogin,
      response: answers(began, 201),
    },
    handler: async (request, reply) =>
      begin(request, reply, await logInByCode(catalog, request.body.login_code, visitorOf(request))),
  });
  app.route({
    method: 'GET',
    url: '/api/v1/session',
    config: { access: SELF },
    schema: { tags, summary: 'Who is logged in, and may do what', response: answers(me) },
    handler: async (request) => {
      const identity = identityOf(request);
      const { id, name, role, tenant_roles, has_second_factor } = userPayload(
        await userOf(catalog.db, await requireUser(catalog.db, identity.userId)),
      );
      const by_provider = await isByProvider(catalog.db, id);
      const allowed = PERMISSIONS.filter((one) => role !== null && roleAllows(role, one));
      const ageMs = catalog.clock.nowMs() - (identity.session?.provenAtMs ?? 0);
      return {
        user: { id, name, role, tenant_roles, has_second_factor, by_provider },
        via: identity.session ? ('session' as const) : ('token' as const),
        permissions: allowed.filter((one) => identity.scopes?.has(one) ?? true),
        proof_needed: ageMs > PROOF_MS,
      };
    },
  });
  app.route({
    method: 'DELETE',
    url: '/api/v1/session',
    config: { access: PERSON },
    schema: { tags, summary: 'Log out', response: answers(nothing) },
    handler: async (request, reply) => {
      await endSession(catalog.db, identityOf(request).session!.tokenHash);
      clearSessionCookie(request, reply, settings);
      return {};
    },
  });
  app.route({
    method: 'POST',
    url: '/api/v1/session/prove',
    config: { access: PERSON },
    schema: { tags, summary: 'Give the password once more', body: proof, response: answers(nothing) },
    handler: async (request) => {
      const { userId, session } = identityOf(request);
      const given = { ...request.body, code: request.body.code ?? null };
      const who = { userId, tokenHash: session!.tokenHash };
      await proveAgain(catalog, who, given, visitorOf(request), sealKey);
      return {};
    },
  });
  addOwnSessions(app, context);
}

function addOwnSessions(app: App, context: ServerContext): void {
  const { catalog, settings, sealKey } = context;
  const tags = ['session'];
  app.route({
    method: 'PUT',
    url: '/api/v1/session/password',
    config: { access: PERSON },
    schema: {
      tags,
      summary: 'Change the password; every session ends, and this one begins anew',
      body: passwordChange,
      response: answers(nothing),
    },
    handler: async (request, reply) => {
      const { userId, userName, session } = identityOf(request);
      const { password, new_password, code } = request.body;
      refuseWeakPassword(new_password, userName);
      const who = { userId, tokenHash: session!.tokenHash };
      await proveAgain(catalog, who, { password, code: code ?? null }, visitorOf(request), sealKey);
      const hash = await hashPassword(new_password);
      const opened = await catalog.transaction(async (trx) => {
        await trx.updateTable('users').set({ password_hash: hash }).where('id', '=', userId).execute();
        await endSessionsOf(trx, userId);
        return openSession(trx, { id: userId }, visitorOf(request), catalog.clock.nowMs());
      });
      setSessionCookie(request, reply, settings, opened.token);
      return {};
    },
  });
  app.route({
    method: 'GET',
    url: '/api/v1/sessions',
    config: { access: PERSON },
    schema: { tags, summary: 'My sessions', response: answers(listOf(sessionInfo)) },
    handler: async (request) => {
      const { userId, session } = identityOf(request);
      const rows = await catalog.db
        .selectFrom('sessions')
        .selectAll()
        .where('user_id', '=', userId)
        .orderBy('id', 'desc')
        .execute();
      return {
        items: rows.map((row) => ({
          ...{ id: row.id, address: row.address, agent: row.agent, current: row.id === session!.id },
          created_at: iso(row.created_at),
          seen_at: iso(row.seen_at),
          expires_at: iso(row.expires_at),
        })),
      };
    },
  });
  app.route({
    method: 'DELETE',
    url: '/api/v1/sessions',
    config: { access: PERSON },
    schema: { tags, summary: 'End my other sessions', response: answers(nothing) },
    handler: async (request) => {
      const { userId, session } = identityOf(request);
      await endSessionsOf(catalog.db, userId, session!.tokenHash);
      return {};
    },
  });
}
