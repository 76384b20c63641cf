/** What goes with a body, and when the body goes, as a server sees it. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { SHORT_PATIENCE } from '../../../../test/support/ceph.ts';
import { openStorage } from '../open-storage.ts';
import type { Storage } from '../port.ts';

const BYTES = Buffer.alloc(8 * 2 ** 20, 'a body longer than what the system holds of a connection ');
const SHA256 = createHash('sha256').update(BYTES).digest('hex');
const PART_BYTES = 5 * 2 ** 20;

async function storageAt(t: TestContext, server: Server): Promise<Storage> {
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const storage = await openStorage(`s3://shop?endpoint=http://127.0.0.1:${port}`, {
    s3: {
      credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
      patience: SHORT_PATIENCE,
      partBytes: PART_BYTES,
    },
  });
  t.after(() => storage.close());
  return storage;
}

const refuse = (response: ServerResponse, status: number, code: string) => {
  response.writeHead(status, { 'content-type': 'application/xml' });
  response.end(`<Error><Code>${code}</Code><Message>as AWS says it</Message></Error>`);
};

interface Habits {
  /** What is not of the SHA-256 that was signed is refused. */
  readonly checksDigests: boolean;
}

/** Answers probes, takes bodies, and fails the first of each; tells what came with them. */
function listeningServer({ checksDigests }: Habits = { checksDigests: false }): {
  server: Server;
  sent: IncomingHttpHeaders[];
} {
  const sent: IncomingHttpHeaders[] = [];
  const server = createServer((request, response) => {
    const isProbe = request.url?.includes('.holdfast-probe');
    const isBody = request.method === 'PUT' && !isProbe;
    if (isBody) sent.push(request.headers);
    const [md5, sha256] = [createHash('md5'), createHash('sha256')];
    request.on('data', (part: Buffer) => {
      md5.update(part);
      sha256.update(part);
    });
    request.on('end', () => {
      if (
        checksDigests &&
        sha256.digest('hex') !== request.headers['x-amz-content-sha256'] &&
        request.method === 'PUT'
      )
        return refuse(response, 400, 'XAmzContentSHA256Mismatch');
      if (isProbe && request.method === 'PUT') return refuse(response, 412, 'PreconditionFailed');
      if (isBody && sent.length === 1) return refuse(response, 503, 'SlowDown');
      response.setHeader('etag', `"${md5.digest('hex')}"`);
      if (request.method === 'POST')
        response
          .setHeader('content-type', 'application/xml')
          .write(
            request.url?.includes('uploads')
              ? '<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>'
              : '<CompleteMultipartUploadResult><ETag>"1"</ETag></CompleteMultipartUploadResult>',
          );
      response.end();
    });
  });
  return { server, sent };
}

test('a body goes at once, on a connection that stays, and asks first only when it goes again', async (t) => {
  const { server, sent } = listeningServer();
  let connections = 0;
  server.on('connection', () => {
    connections += 1;
  });
  const storage = await storageAt(t, server);
  assert.equal(await storage.put('one', BYTES), 'created');
  assert.deepEqual(
    sent.map(({ expect }) => expect),
    [undefined, '100-continue'],
  );
  const before = connections;
  for (const name of ['two', 'three', 'four']) await storage.put(name, BYTES);
  assert.equal(connections, before);
  assert.deepEqual(
    sent.slice(2).map(({ expect }) => expect),
    [undefined, undefined, undefined],
  );
});

test('the SHA-256 that a caller knows is what is signed and kept; without one it is computed', async (t) => {
  const { server, sent } = listeningServer();
  const storage = await storageAt(t, server);
  const known = 'ab'.repeat(32);
  await storage.put('known', BYTES, { sha256: known });
  await storage.put('unknown', BYTES);
  const said = sent
    .slice(1)
    .map((headers) => [
      headers['x-amz-content-sha256'],
      headers['x-amz-meta-holdfast-sha256'],
      Buffer.from(String(headers['x-amz-checksum-sha256']), 'base64').toString('hex'),
      headers.authorization?.includes('x-amz-content-sha256'),
    ]);
  assert.deepEqual(said, [
    [known, known, known, true],
    [SHA256, SHA256, SHA256, true],
  ]);
});

test('no MD5 goes to a server that checks the SHA-256, and one to a server that does not', async (t) => {
  for (const checksDigests of [true, false]) {
    const { server, sent } = listeningServer({ checksDigests });
    const storage = await storageAt(t, server);
    await storage.put('one', BYTES, { sha256: SHA256 });
    await storage.put('two', BYTES);
    const expected = checksDigests ? undefined : createHash('md5').update(BYTES).digest('base64');
    // The first was sent twice: it failed once.
    assert.deepEqual(
      sent.map((headers) => headers['content-md5']),
      [expected, expected, expected],
    );
    // What the thread that built it said its bytes are is held against it.
    if (checksDigests) await assert.rejects(storage.put('other', BYTES, { sha256: 'ab'.repeat(32) }));
  }
});

test('each part of an upload is signed with its own SHA-256', async (t) => {
  const { server, sent } = listeningServer();
  const storage = await storageAt(t, server);
  async function* content() {
    yield BYTES;
  }
  await storage.put('parts', content(), { sha256: SHA256 });
  const digests = sent.map((headers) => headers['x-amz-content-sha256']);
  const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
  const expected = [sha256(BYTES.subarray(0, PART_BYTES)), sha256(BYTES.subarray(PART_BYTES))];
  assert.deepEqual([...new Set(digests)].sort(), expected.sort());
});

test('a server that refuses a body it does not read is heard all the same', async (t) => {
  const server = createServer((request, response) => {
    if (request.url?.includes('.holdfast-probe')) {
      request.resume().on('end', () => refuse(response, 412, 'PreconditionFailed'));
      return;
    }
    // As some proxies do: the answer is lost with the connection.
    request.once('data', () => request.socket.resetAndDestroy());
  });
  server.on('checkContinue', (_request, response) => refuse(response, 403, 'AccessDenied'));
  const storage = await storageAt(t, server);
  await assert.rejects(storage.put('one', BYTES), {
    code: 'storage_denied',
    message: /the key lacks s3:PutObject/,
  });
});
