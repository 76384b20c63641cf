import { testDestination } from '../../engine/index.ts';
import { requireDocument, storedConfig } from '../configuration/documents.ts';
import { vettedHost } from '../outbound/index.ts';
import type { ServerContext } from './context.ts';
import { RequestProblem } from './problem.ts';
import { redact } from './redact.ts';

export interface DestinationTest {
  readonly ok: boolean;
  readonly checks: { name: string; status: string; message: string; next: string | null }[];
}

/** No server may keep a request waiting for longer. */
const TEST_MS = 60_000;

/** Tests a stored destination. Throws `document_unknown`. */
export async function testStored(
  { catalog, workplace }: ServerContext,
  name: string,
): Promise<DestinationTest> {
  await requireDocument(catalog.db, 'destination', name);
  const spec = await workplace.destination(await storedConfig(catalog.db), name);
  const { address, storage } = await spec.options();
  return tested({ address, ...(storage ? { storage } : {}) });
}

/** Tests any place. The caller has looked at where it lies. */
export async function tested(
  place: Omit<Parameters<typeof testDestination>[0], 'signal'>,
): Promise<DestinationTest> {
  const checks = await testDestination({ ...place, signal: AbortSignal.timeout(TEST_MS) });
  return {
    ok: checks.every(({ status }) => status !== 'problem'),
    checks: checks.map(({ name, status, message, next }) => ({
      name,
      status,
      message: redact(message),
      next,
    })),
  };
}

/**
 * Throws `address_refused` for an endpoint in a network that the server may not reach when asked to, `host_unresolved`,
 * `request_invalid`.
 */
export async function refuseEndpoint({ outbound }: ServerContext, endpoint: string): Promise<void> {
  const url = URL.parse(endpoint);
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new RequestProblem([{ field: 'endpoint', message: 'must be like https://host:port' }]);
  }
  await vettedHost(url.hostname, { policy: outbound });
}
