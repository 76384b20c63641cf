/** The web page at /admin: files that hold no data. What they show comes through the same API as for everybody. */
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { HoldfastError } from '../../../engine/index.ts';
import type { App } from '../context.ts';
import { type WebAsset, webBuild } from '../web-build.ts';

const OPEN = { access: { open: true, early: true } } as const;
const BUILD = fileURLToPath(new URL('../../../../dist/web/', import.meta.url));
const NONCE_BYTES = 18;

const UNBUILT = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Holdfast</title>
<h1>The web page is not built</h1>
<p>Everything else works: the command line and the API (<a href="/api/docs">/api/docs</a>).</p>
<p>To build it, run <code>npm ci</code> and <code>npm run build:web</code> in the folder of Holdfast, and load this page again.</p>
</html>
`;

export function addWebRoutes(app: App): void {
  const build = webBuild(BUILD);
  const page = async (reply: FastifyReply) => {
    const nonce = randomBytes(NONCE_BYTES).toString('base64url');
    const text = await build.page(nonce);
    allowStyles(reply, nonce);
    return reply
      .code(text === null ? 503 : 200)
      .type('text/html; charset=utf-8')
      .header('cache-control', 'no-store')
      .serializer((value: unknown) => value as never)
      .send(text ?? UNBUILT);
  };
  for (const url of ['/', '/admin']) {
    app.route({
      method: 'GET',
      url,
      config: OPEN,
      schema: { hide: true },
      handler: async (_request, reply) => reply.redirect('/admin/', 302),
    });
  }
  app.route({
    method: 'GET',
    url: '/admin/*',
    config: OPEN,
    schema: { hide: true },
    handler: async (request, reply) => {
      const path = (request.params as { '*': string })['*'];
      const asset = await build.asset(path);
      if (asset) return sendAsset(request, reply, asset);
      // An old page asks for a file of the build before this one: a page in its place would be taken for a script.
      if (path.startsWith('assets/'))
        throw new HoldfastError('route_unknown', `there is nothing at /admin/${path}`);
      return page(reply);
    },
  });
}

/** The rules of server.ts, and the style element of the page that knows this nonce. */
function allowStyles(reply: FastifyReply, nonce: string): void {
  const rules = String(reply.getHeader('content-security-policy'));
  reply.header(
    'content-security-policy',
    rules.replace("style-src 'self'", `style-src 'self' 'nonce-${nonce}'`),
  );
}

function sendAsset(request: FastifyRequest, reply: FastifyReply, asset: WebAsset): FastifyReply {
  const accepted = String(request.headers['accept-encoding'] ?? '');
  const coding = asset.packed ? (['br', 'gzip'] as const).find((one) => accepted.includes(one)) : undefined;
  if (coding) reply.header('content-encoding', coding);
  return reply
    .type(asset.type)
    .header('vary', 'accept-encoding')
    .header('cache-control', asset.isFixed ? 'public, max-age=31536000, immutable' : 'no-cache')
    .send(coding ? asset.packed![coding] : asset.bytes);
}
