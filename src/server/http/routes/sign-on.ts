/** Logging in through an identity provider: the way there and back, and its settings. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { answers, isoOrNull, nothing } from '../../../contracts/api/common.ts';
import {
  loginMethods,
  type OidcSettings,
  oidcCallback,
  oidcSettings,
  oidcStart,
  oidcTest,
  storedOidc as storedOidcSchema,
} from '../../../contracts/api/oidc.ts';
import { asHoldfastError, HoldfastError, MINUTE_MS } from '../../../engine/index.ts';
import { ATTEMPT_MS, type Attempt, beginAttempt, takeAttempt } from '../../access/oidc/attempt.ts';
import { logInByProvider } from '../../access/oidc/log-in.ts';
import { openProvider, type Provider } from '../../access/oidc/provider.ts';
import { removeOidc, storedOidc, storeOidc } from '../../access/oidc/settings.ts';
import { mayGive } from '../../access/permissions.ts';
import { hashOf } from '../../access/secrets.ts';
import { endSession } from '../../access/sessions.ts';
import { readSecret } from '../../notices/read-secret.ts';
import { type App, authorOf, identityOf, type ServerContext } from '../context.ts';
import {
  clearAttemptCookie,
  readAttemptCookie,
  sessionCookie,
  setAttemptCookie,
  setSessionCookie,
} from '../cookies.ts';
import { visitorOf } from '../payloads.ts';

const URL_OF_CALLBACK = '/api/v1/session/oidc/callback';
/** Of one address: each may make this server ask the provider something. */
const FLOOD = { max: 60, timeWindow: MINUTE_MS };
const PROOF_SKEW_MS = MINUTE_MS;
const PAGE = /^\/admin(\/[\w./~%-]*)?$/;

export function addSignOnRoutes(app: App, context: ServerContext): void {
  const { catalog } = context;
  const provider = openProvider({ policy: context.outbound }, () => catalog.clock.nowMs());
  addWay(app, context, provider);
  addSettings(app, context, provider);
}

function addWay(app: App, context: ServerContext, provider: Provider): void {
  const { catalog, settings, sealKey } = context;
  const tags = ['session'];
  app.route({
    method: 'GET',
    url: '/api/v1/session/methods',
    config: { access: { open: true } },
    schema: { tags, summary: 'How one may log in besides a password', response: answers(loginMethods) },
    handler: async () => {
      const stored = await storedOidc(catalog.db);
      const oidc = stored && { label: stored.settings.label, start: '/api/v1/session/oidc' };
      return { oidc };
    },
  });
  app.route({
    method: 'GET',
    url: '/api/v1/session/oidc',
    config: { access: { open: true }, rateLimit: FLOOD },
    schema: { tags, summary: 'To the identity provider; for browsers', querystring: oidcStart },
    handler: async (request, reply) => {
      const { return_to = '/admin/', prove } = request.query;
      return orLoginPage(request, reply, async () => {
        const stored = await requireStored(context);
        const begun = beginAttempt(
          {
            ...{ settings: stored, discovery: await provider.discover(stored), proves: prove === 'true' },
            redirectUri: `${originOf(request, context)}${URL_OF_CALLBACK}`,
            returnTo: PAGE.test(return_to) && !return_to.includes('..') ? return_to : '/admin/',
          },
          catalog.clock.nowMs(),
          sealKey,
        );
        setAttemptCookie(request, reply, settings, begun.cookie, ATTEMPT_MS);
        return begun.location;
      });
    },
  });
  app.route({
    method: 'GET',
    url: URL_OF_CALLBACK,
    config: { access: { open: true }, rateLimit: FLOOD },
    schema: { tags, summary: 'Back from the identity provider; for browsers', querystring: oidcCallback },
    handler: async (request, reply) =>
      orLoginPage(request, reply, () => comeBack(request, reply, context, provider)),
  });
}

type CallbackRequest = FastifyRequest & { readonly query: typeof oidcCallback._zod.output };

async function comeBack(
  request: FastifyRequest,
  reply: FastifyReply,
  context: ServerContext,
  provider: Provider,
): Promise<string> {
  const { catalog, settings, sealKey } = context;
  const { code, state, iss, error } = (request as CallbackRequest).query;
  const cookie = readAttemptCookie(request, settings);
  clearAttemptCookie(request, reply, settings);
  const attempt = await takeAttempt(catalog, cookie, state, sealKey);
  const stored = await requireStored(context);
  const found = await provider.discover(stored);
  // RFC 9207: an answer of another provider is not given to this one.
  const isFromIt =
    iss === undefined ? !found.authorization_response_iss_parameter_supported : iss === stored.issuer;
  if (!isFromIt || attempt.issuer !== stored.issuer) throw refused('the answer is of another provider');
  if (error !== undefined) throw refused(`the provider answers ${error.replace(/[^\w-]/g, '?')}`);
  if (code === undefined) throw refused('the provider answers without a code');
  const { nonce, verifier, redirectUri, returnTo } = attempt;
  const secret = stored.client_secret && (await secretOf(context, stored.client_secret));
  const claims = await provider.exchange(stored, { code, redirectUri, verifier, nonce, secret });
  requireProof(attempt, claims.authenticatedAtMs);
  const opened = await logInByProvider(catalog, stored, claims, visitorOf(request));
  const before = sessionCookie(request, settings);
  if (before) await endSession(catalog.db, hashOf(before));
  setSessionCookie(request, reply, settings, opened.token);
  await context.record({
    ...{ atMs: catalog.clock.nowMs(), action: `GET ${URL_OF_CALLBACK}`, object: {}, status: 200 },
    ...{
      actor: opened.user.name,
      userId: opened.user.id,
      tokenId: null,
      tenantId: null,
      address: request.ip,
    },
  });
  return returnTo;
}

const refused = (why: string) => new HoldfastError('sign_on_refused', why);

function requireProof({ proves, startedAtMs }: Attempt, authenticatedAtMs: number | null): void {
  if (!proves) return;
  if (authenticatedAtMs !== null && authenticatedAtMs >= startedAtMs - PROOF_SKEW_MS) return;
  throw refused('the provider did not ask for the password again');
}

/** A browser is sent on, also by a failure: to the login page, with the code of what is wrong. */
async function orLoginPage(request: FastifyRequest, reply: FastifyReply, work: () => Promise<string>) {
  let location: string;
  try {
    location = await work();
  } catch (thrown) {
    const error = asHoldfastError(thrown);
    request.log.warn({ code: error.code, reason: error.message }, 'single sign-on failed');
    location = `/admin/?sign_on=${error.code}`;
  }
  return reply.header('cache-control', 'no-store').redirect(location, 302);
}

async function requireStored({ catalog }: ServerContext): Promise<OidcSettings> {
  const stored = await storedOidc(catalog.db);
  if (stored) return stored.settings;
  throw new HoldfastError('sign_on_failed', 'no identity provider is configured');
}

const secretOf = (
  { workplace, settings }: ServerContext,
  reference: NonNullable<OidcSettings['client_secret']>,
) =>
  readSecret(reference, 'the client secret', {
    environment: workplace.environment ?? {},
    folder: settings.home,
  });

/** The guard has looked at the host already. */
function originOf(request: FastifyRequest, { settings }: ServerContext): string {
  if (settings.publicUrl) return settings.publicUrl.origin;
  return `${settings.tls ? 'https' : 'http'}://${request.raw.headers.host}`;
}

function addSettings(app: App, context: ServerContext, provider: Provider): void {
  const { catalog } = context;
  const tags = ['access'];
  const url = '/api/v1/sign-on';
  const WRITE = { permission: 'users:write', dangerous: true, peopleOnly: true } as const;
  const payload = async () => {
    const stored = await storedOidc(catalog.db);
    return {
      settings: stored?.settings ?? null,
      updated_at: isoOrNull(stored?.updatedAtMs ?? null),
      updated_by: stored?.updatedBy ?? null,
    };
  };
  app.route({
    method: 'GET',
    url,
    config: { access: { permission: 'users:read' } },
    schema: { tags, summary: 'The identity provider', response: answers(storedOidcSchema) },
    handler: payload,
  });
  app.route({
    method: 'PUT',
    url,
    config: { access: WRITE },
    schema: {
      tags,
      summary: 'Let people log in through an identity provider',
      body: oidcSettings,
      response: answers(storedOidcSchema),
    },
    handler: async (request) => {
      const identity = identityOf(request);
      for (const { role } of request.body.roles) {
        if (!mayGive(identity.role, role)) {
          throw new HoldfastError('not_permitted', `the role ${role} is not yours to give`);
        }
      }
      const { name, atMs } = authorOf(request, context);
      await catalog.transaction((trx) => storeOidc(trx, request.body, { name: name ?? '', atMs }));
      return payload();
    },
  });
  app.route({
    method: 'DELETE',
    url,
    config: { access: WRITE },
    schema: { tags, summary: 'Let people log in by password alone', response: answers(nothing) },
    handler: async () => {
      await removeOidc(catalog.db);
      return {};
    },
  });
  app.route({
    method: 'POST',
    url: `${url}/test`,
    config: { access: WRITE },
    schema: {
      tags,
      summary: 'Ask the provider for its description and keys, and look for the client secret',
      response: answers(oidcTest),
    },
    handler: async () => testSignOn(await requireStored(context), context, provider),
  });
}

async function testSignOn(stored: OidcSettings, context: ServerContext, provider: Provider) {
  const steps: { step: string; ok: boolean; message: string | null }[] = [];
  const look = async (step: string, work: () => Promise<unknown>) => {
    const message = await work().then(
      () => null,
      (error: unknown) => asHoldfastError(error).message,
    );
    steps.push({ step, ok: message === null, message });
  };
  const { client_secret } = stored;
  if (client_secret) await look('client secret', () => secretOf(context, client_secret));
  await look('description', () => provider.discover(stored));
  await look('keys', () => provider.keys(stored));
  return { ok: steps.every(({ ok }) => ok), steps };
}
