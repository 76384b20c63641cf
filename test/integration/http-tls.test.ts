import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { test } from 'node:test';
import { httpWorld, OWNER } from '../support/http-world.ts';
import { selfSignedCertificate } from '../support/self-signed.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

test('with a certificate of its own the server speaks TLS only, with the bound cookie for any host', async (t) => {
  const folder = await temporaryFolder(t);
  const { cert, key } = selfSignedCertificate();
  const [certFile, keyFile] = [join(folder, 'server.crt'), join(folder, 'server.key')];
  await writeFile(certFile, cert);
  await writeFile(keyFile, key);
  const environment = {
    ...{ HOLDFAST_TLS_CERT_FILE: certFile, HOLDFAST_TLS_KEY_FILE: keyFile },
    HOLDFAST_ALLOWED_HOSTS: 'backup.lan',
  };
  const world = await httpWorld(t, { environment });
  const { port } = new URL(world.address);
  const claim = (origin: string) => {
    const { promise, resolve, reject } = Promise.withResolvers<{
      status: number;
      cookie: string;
      policy: string;
    }>();
    const sent = request(
      {
        ...{
          host: '127.0.0.1',
          port,
          path: '/api/setup/owner',
          method: 'POST',
          rejectUnauthorized: false,
          agent: false,
        },
        headers: {
          host: 'backup.lan',
          origin,
          'content-type': 'application/json',
          'x-setup-token': world.setupToken,
        },
      },
      (answer) => {
        answer.resume();
        const { 'set-cookie': cookie, 'strict-transport-security': policy } = answer.headers;
        resolve({ status: answer.statusCode!, cookie: String(cookie), policy: String(policy) });
      },
    );
    sent.on('error', reject).end(JSON.stringify(OWNER));
    return promise;
  };
  assert.equal((await claim('http://backup.lan')).status, 403, 'an origin without TLS is another one');
  const claimed = await claim('https://backup.lan');
  assert.equal(claimed.status, 201);
  assert.match(claimed.cookie, /^__Host-holdfast=.*Secure; SameSite=Strict/);
  assert.match(claimed.policy, /max-age=31536000/);
  await assert.rejects(world.client().get('/healthz'), 'plain HTTP is not answered');
});
