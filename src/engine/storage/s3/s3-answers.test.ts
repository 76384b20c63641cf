/** What servers say that the one of the other tests never says: the documents of AWS, word for word, through the real client. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { SHORT_PATIENCE } from '../../../../test/support/ceph.ts';
import { openStorage } from '../open-storage.ts';
import type { Storage } from '../port.ts';

interface Answer {
  readonly status: number;
  readonly code: string;
  readonly more?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A bucket whose server answers everything with this. */
async function bucketThatSays(
  t: TestContext,
  { status, code, more = '', headers }: Answer,
): Promise<Storage> {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(status, { 'content-type': 'application/xml', ...headers });
    const text = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>as AWS says it</Message>${more}<RequestId>1</RequestId></Error>`;
    response.end(request.method === 'HEAD' ? undefined : text);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  t.after(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const storage = await openStorage(`s3://shop?region=us-east-1&endpoint=http://127.0.0.1:${port}`, {
    s3: {
      credentials: { accessKeyId: 'a', secretAccessKey: 'b', sessionToken: 'c' },
      patience: SHORT_PATIENCE,
    },
  });
  t.after(() => storage.close());
  return storage;
}

const CASES: readonly (Answer & { readonly name: string; readonly says: object })[] = [
  {
    name: 'a bucket of another region, as the endpoint of the wrong one tells it',
    ...{ status: 301, code: 'PermanentRedirect', headers: { 'x-amz-bucket-region': 'eu-central-1' } },
    says: { code: 'usage', message: /the bucket shop is in another region/, next: /add region=eu-central-1/ },
  },
  {
    name: 'a signature for another region',
    ...{ status: 400, code: 'AuthorizationHeaderMalformed', more: '<Region>eu-west-3</Region>' },
    says: { code: 'usage', message: /the bucket shop is in another region/, next: /add region=/ },
  },
  {
    name: 'a session token that has expired',
    ...{ status: 400, code: 'ExpiredToken' },
    says: { code: 'storage_denied', message: /the session token has expired/, next: /get a new one/ },
  },
  {
    name: 'a clock too far off',
    ...{ status: 403, code: 'RequestTimeTooSkewed' },
    says: { code: 'clock_skew', message: /refuses requests of this machine's clock/ },
  },
  {
    name: 'a permission that is missing',
    ...{ status: 403, code: 'AccessDenied' },
    says: { code: 'storage_denied', message: /the key lacks s3:GetObject/, next: /allow s3:GetObject/ },
  },
  {
    name: 'a bucket that is not there',
    ...{ status: 404, code: 'NoSuchBucket' },
    says: { code: 'bucket_missing', message: /there is no bucket shop/ },
  },
];

for (const { name, says, ...answer } of CASES) {
  test(`s3: ${name}`, async (t) => {
    const storage = await bucketThatSays(t, answer);
    await assert.rejects(storage.get('config'), says);
  });
}
