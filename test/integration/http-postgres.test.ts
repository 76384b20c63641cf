import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newLoginCode } from '../../src/server/access/setup.ts';
import { clockAtQuarter, httpWorld, OWNER, person } from '../support/http-world.ts';
import { type Cluster, startCluster } from '../support/postgres-cluster.ts';

let cluster: Cluster;
before(async () => {
  cluster = await startCluster();
});
after(() => cluster.stop());

test('on PostgreSQL: two servers at once have one owner, and what one knows the other knows', async (t) => {
  const catalogAddress = { url: await cluster.createDatabase('service') };
  const clock = clockAtQuarter();
  const one = await httpWorld(t, { catalogAddress, clock });
  const two = await httpWorld(t, {
    clock,
    catalogAddress,
    folder: one.folder,
    environment: { BACKUP_ENCRYPTION_KEY: one.keyText },
  });
  const old = await one
    .client()
    .send('POST', '/api/setup/owner', { body: OWNER, headers: { 'x-setup-token': one.setupToken } });
  assert.equal(old.json.code, 'setup_token_wrong', 'the server that started last has the token');
  const race = await Promise.all(
    [one, two, one, two, one, two].map((world, i) =>
      world.client().send('POST', '/api/setup/owner', {
        body: { ...OWNER, name: i === 0 ? OWNER.name : `other${i}@example.org` },
        headers: { 'x-setup-token': two.setupToken },
      }),
    ),
  );
  const won = race.filter(({ status }) => status === 201);
  assert.equal(won.length, 1);
  const { name } = won[0]!.json;
  const owner = two.client();
  assert.equal((await owner.post('/api/v1/session', { ...OWNER, name })).status, 201);
  const elsewhere = one.client();
  for (const [key, value] of owner.cookies) elsewhere.cookies.set(key, value);
  assert.equal((await elsewhere.get('/api/v1/session')).json.user.name, name);

  await one.withPlan(owner);
  const headers = { 'idempotency-key': 'both' };
  const [here, there] = await Promise.all([
    owner.send('POST', '/api/v1/plans/nightly/run', { body: {}, headers }),
    elsewhere.send('POST', '/api/v1/plans/nightly/run', { body: {}, headers }),
  ]);
  assert.equal(here.json.job_id, there.json.job_id, 'one run');
  const job = await one.ended(elsewhere, here.json.job_id);
  assert.equal(job.status, 'succeeded', JSON.stringify(job.error));
  const { json: list } = await owner.get('/api/v1/backups?limit=1');
  assert.equal(list.items.length, 1);
  assert.equal(
    (await owner.get(`/api/v1/backups?after=${clock.nowMs()}.${list.items[0].id}`)).json.items.length,
    1,
  );
  assert.equal((await owner.get(`/api/v1/backups/${list.items[0].id}`)).json.copies[0].destination, 'main');
  for (const path of [
    'triggers',
    'jobs',
    'restores',
    'schedule',
    'workers',
    'ledger',
    'notices',
    'sessions',
    'tokens',
    'users',
  ]) {
    assert.equal((await owner.get(`/api/v1/${path}`)).status, 200, path);
  }

  const { json: token } = await owner.post('/api/v1/tokens', { name: 'ci', scopes: ['jobs:read'] });
  const program = one.client();
  program.headers.authorization = `Bearer ${token.secret}`;
  assert.equal((await program.get('/api/v1/jobs')).status, 200);
  await owner.send('DELETE', `/api/v1/tokens/${token.token.id}`);
  assert.equal((await program.get('/api/v1/jobs')).status, 401);

  await owner.post('/api/v1/tenants', { id: 'acme', name: 'Acme' });
  await person(two, owner, 'acme@example.org', null, { acme: 'viewer' });
  const { text: exported } = await owner.get('/api/v1/configuration');
  const { json: diff } = await owner.post('/api/v1/configuration/diff', { yaml: exported });
  assert.deepEqual(
    diff.changes.filter(({ change }: { change: string }) => change !== 'adopt'),
    [],
  );

  // Both servers count the same guesses.
  for (let i = 0; i < 16; i += 1) {
    const world = i % 2 === 0 ? one : two;
    await world.client().post('/api/v1/session', { name, password: 'wrong' });
  }
  assert.equal((await one.client().post('/api/v1/session', { ...OWNER, name })).status, 429);
  const code = await newLoginCode(one.catalog, name);
  assert.equal((await two.client().post('/api/v1/session/code', { login_code: code })).status, 201);
});
