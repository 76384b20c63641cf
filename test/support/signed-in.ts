import type { BrowserContext } from 'playwright-core';
import type { HttpClient } from './http-client.ts';

/** The browser goes on with the session of a client: no test needs to log in by the form to look at something else. */
export function signIn(context: BrowserContext, address: string, client: HttpClient): Promise<void> {
  // The cookie is protected, which browsers accept of this machine without TLS, but only where it is said with https.
  const url = address.replace(/^http:/, 'https:');
  return context.addCookies([...client.cookies].map(([name, value]) => ({ name, value, url })));
}
