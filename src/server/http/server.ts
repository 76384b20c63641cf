/** The HTTP service: what stands around the routes. */
import { readFileSync } from 'node:fs';
import cookie from '@fastify/cookie';
import helmet from '@fastify/helmet';
import multipart from '@fastify/multipart';
import rateLimit from '@fastify/rate-limit';
import swagger from '@fastify/swagger';
import Fastify, { type FastifyBaseLogger } from 'fastify';
import { serializerCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { HoldfastError, newId } from '../../engine/index.ts';
import type { App, ServerContext } from './context.ts';
import { addGuard } from './guard.ts';
import { parseJson } from './json-body.ts';
import { describeRoute, openApiFrame, withSharedProblem } from './open-api.ts';
import { answerError } from './problem.ts';
import { addRecord } from './record.ts';
import { requireAccess } from './route-access.ts';
import { addRoutes } from './routes/index.ts';
import { validatorCompiler } from './validator.ts';

const BODY_LIMIT_BYTES = 1024 ** 2;

export interface ServerOptions {
  readonly logger?: FastifyBaseLogger;
  /** Routes of a test, to show that one without access stops the start. */
  readonly extraRoutes?: (app: App) => void;
}

/**
 * Builds the server; `listen` starts it. Throws for a route that does not declare who may use it. The caller closes it.
 */
export async function buildServer(context: ServerContext, options: ServerOptions = {}): Promise<App> {
  const { settings } = context;
  const app: App = Fastify({
    ...(options.logger ? { loggerInstance: options.logger } : { logger: false }),
    ...(settings.tls
      ? { https: { cert: readFileSync(settings.tls.certFile), key: readFileSync(settings.tls.keyFile) } }
      : {}),
    bodyLimit: BODY_LIMIT_BYTES,
    trustProxy: settings.trustedProxies.length > 0 ? [...settings.trustedProxies] : false,
    genReqId: () => newId(),
    // Requests under way are answered, connections that only idle are not waited for.
    forceCloseConnections: 'idle',
    routerOptions: { caseSensitive: true, maxParamLength: 200 },
    requestTimeout: 0,
    connectionTimeout: 0,
  }).withTypeProvider<ZodTypeProvider>() as unknown as App;
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler(answerError);
  app.setNotFoundHandler((request, reply) =>
    answerError(
      new HoldfastError('route_unknown', `there is nothing at ${request.url.split('?')[0]}`),
      request,
      reply,
    ),
  );
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, parseJson(body as string));
    } catch (error) {
      done(error as Error);
    }
  });
  const routes: string[] = [];
  app.decorate('routeList', routes);
  app.addHook('onRoute', (route) => {
    requireAccess(route);
    for (const method of [route.method].flat()) routes.push(`${method} ${route.url}`);
  });
  await app.register(helmet, HEADERS);
  await app.register(cookie);
  await app.register(rateLimit, { global: false });
  await app.register(multipart, { limits: { files: 1, fields: 20, fieldSize: 16_384 } });
  await app.register(swagger, {
    openapi: openApiFrame(),
    transform: describeRoute,
    transformObject: withSharedProblem,
  });
  addGuard(app, context);
  // No body is the same as one without fields: the schema names what is missing.
  app.addHook('preValidation', async (request) => {
    if (request.routeOptions.schema?.body !== undefined) request.body ??= {};
  });
  addRecord(app, context);
  app.addHook('onSend', async (request, reply) => {
    if (!reply.hasHeader('cache-control') && request.url.startsWith('/api'))
      reply.header('cache-control', 'no-store');
  });
  await app.register(async (scope) => {
    addRoutes(scope as App, context);
    options.extraRoutes?.(scope as App);
  });
  await app.ready();
  return app;
}

/** Nothing from elsewhere, no inline script, no frame around it. */
const HEADERS = {
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      'default-src': ["'none'"],
      'script-src': ["'self'"],
      'style-src': ["'self'"],
      'img-src': ["'self'", 'data:'],
      'font-src': ["'self'"],
      'connect-src': ["'self'"],
      'manifest-src': ["'self'"],
      'form-action': ["'self'"],
      'base-uri': ["'none'"],
      'frame-ancestors': ["'none'"],
      'require-trusted-types-for': ["'script'"],
    },
  },
  crossOriginResourcePolicy: { policy: 'same-origin' },
  referrerPolicy: { policy: 'no-referrer' },
  xFrameOptions: { action: 'deny' },
  // Only browsers that came by TLS heed it.
  strictTransportSecurity: { maxAge: 31_536_000, includeSubDomains: false },
} as const;
