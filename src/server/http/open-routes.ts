/** The written list of what answers without a login, each with its reason. */
export const OPEN_ROUTES: ReadonlyMap<string, string> = new Map([
  ['GET /healthz', 'load balancers ask whether the process lives; says nothing else'],
  ['GET /readyz', 'load balancers ask whether it can work; says nothing else'],
  ['GET /api/setup', 'a browser must learn whether to show setup or login'],
  ['POST /api/v1/session', 'logging in'],
  ['POST /api/v1/session/code', 'logging in with a code from the console'],
  [
    'GET /api/v1/session/methods',
    'the login page shows the button of the identity provider, if there is one',
  ],
  ['GET /api/v1/session/oidc', 'logging in: the way to the identity provider'],
  ['GET /api/v1/session/oidc/callback', 'logging in: the way back, with a code of the provider'],
  ['GET /api/openapi.json', 'describes the interface, which is public anyway'],
  ['GET /api/docs', 'a page that shows the description'],
  ['GET /api/docs/app.js', 'script of that page'],
  ['GET /api/docs/app.css', 'style of that page'],
  ['GET /', 'sends browsers to the web pages'],
  ['GET /admin', 'sends browsers to the web pages'],
  ['GET /admin/*', 'the web pages themselves; they hold no data'],
]);
