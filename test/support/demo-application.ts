/**
 * A small real server for drills: users in PostgreSQL, sessions in SQLite, uploads as files, and a key file without which
 * it refuses to start. It has a login, a JWKS document and a protected page. Run with node, free of node:test.
 */
import { createHmac, createPublicKey, generateKeyPairSync, randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';

const { DATABASE_URL, SESSIONS_FILE, UPLOADS, KEY_FILE, PORT, VERSION = '2' } = process.env;
const SCHEMA_VERSION = '2';

const secret = readFileSync(KEY_FILE!, 'utf8');
if (secret.length < 16) throw new Error('the key file is too short');
if (VERSION !== SCHEMA_VERSION) throw new Error(`version ${VERSION} does not know schema ${SCHEMA_VERSION}`);

const [user, password, host, port, database] = /^postgres:\/\/([^:]+):([^@]*)@([^:]+):(\d+)\/(.+)$/
  .exec(DATABASE_URL!)!
  .slice(1)
  .map(decodeURIComponent);
const client = new pg.Client({ user, password, host, port: Number(port), database });
await client.connect();
const sessions = new DatabaseSync(SESSIONS_FILE!);
const { publicKey } = generateKeyPairSync('ed25519');

const sign = (token: string) => createHmac('sha256', secret).update(token).digest('hex');

const server = createServer(async (request, response) => {
  const answer = (status: number, value: unknown, headers: Record<string, string> = {}) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(value));
  };
  try {
    if (request.url === '/health') return answer(200, { ok: true, version: VERSION });
    if (request.url === '/.well-known/jwks.json') {
      const jwk = createPublicKey(publicKey.export({ type: 'spki', format: 'pem' })).export({
        format: 'jwk',
      });
      return answer(200, { keys: [{ ...jwk, kid: 'one', use: 'sig' }] }, { 'cache-control': 'max-age=60' });
    }
    if (request.url === '/login' && request.method === 'POST') {
      let body = '';
      for await (const part of request) body += part;
      const { email } = JSON.parse(body);
      const { rows } = await client.query('select name from users where email = $1', [email]);
      if (rows.length === 0) return answer(401, { error: 'unknown user' });
      const token = randomUUID();
      sessions.prepare('insert into sessions (token) values (?)').run(token);
      const cookie = `session=${token}.${sign(token)}; HttpOnly; Path=/`;
      return answer(200, { name: rows[0].name, token: `${token}.${sign(token)}` }, { 'set-cookie': cookie });
    }
    if (request.url === '/private') {
      const given =
        /session=([^;]+)/.exec(request.headers.cookie ?? '')?.[1] ?? request.headers.authorization ?? '';
      const [token = '', mark = ''] = given.replace(/^Bearer /, '').split('.');
      const known = sessions.prepare('select 1 from sessions where token = ?').get(token);
      if (!known || mark !== sign(token)) return answer(403, { error: 'not logged in' });
      const { rows } = await client.query('select count(*)::int as users from users');
      return answer(200, { users: rows[0].users, uploads: readdirSync(UPLOADS!).length });
    }
    answer(404, { error: 'nothing here' });
  } catch (error) {
    answer(500, { error: (error as Error).message });
  }
});
server.listen(Number(PORT), '127.0.0.1');
