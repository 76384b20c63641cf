/** Drills that come after backups, what they prove, and who may ask for one or see it. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { drillPlace, planOf } from '../support/drill-place.ts';
import type { HttpClient } from '../support/http-client.ts';
import { person } from '../support/http-world.ts';
import { untilTrue } from '../support/until-true.ts';

test('after every second backup; what it proved stays, and only who may asks for one', async (t) => {
  const place = await drillPlace(t);
  const { world, owner } = place;
  await owner.post('/api/v1/tenants', { id: 'acme', name: 'acme' });
  await owner.post('/api/v1/tenants', { id: 'rival', name: 'rival' });
  await place.plan({ tenantId: 'acme' }, { afterBackups: 2 });
  await place.backUp();
  assert.equal((await planOf(place)).backups_since, 1);
  const second = await place.backUp();
  const [drill] = await untilTrue(async () => {
    const { items } = (await owner.get('/api/v1/drills')).json;
    return items.length > 0 && items;
  });
  assert.deepEqual(
    [drill.via, drill.requested_by, drill.backup_id, drill.result, drill.tenant_id],
    ['after_backups', null, second, 'green', 'acme'],
  );
  assert.equal((await planOf(place)).backups_since, 0);

  await place.plan({ tenantId: 'acme', retention: { keepLast: 1 } });
  await place.backUp();
  const newest = await place.backUp();
  await untilTrue(async () => {
    const { items } = (await owner.get('/api/v1/backups')).json;
    return items.length === 2 && items.every(({ id }: { id: string }) => [second, newest].includes(id));
  });

  const statusOf = async (client: HttpClient, method: string, path: string, body?: unknown) =>
    (await client.send(method, `/api/v1${path}`, body === undefined ? {} : { body })).status;
  const asked = [
    ['POST', '/drills', { plan: 'nightly' }],
    ['POST', '/drills', { backup_id: second }],
    ['GET', `/drills/${drill.id}`],
    ['GET', `/drills/${drill.id}/evidence.json`],
    ['GET', `/drills/${drill.id}/evidence.html`],
  ] as const;
  const rival = await person(world, owner, 'rival@example.org', null, { rival: 'admin' });
  for (const [method, path, body] of asked) {
    assert.equal(await statusOf(rival, method, path, body), 403, `${method} ${path}`);
  }
  for (const path of ['', '?tenant_id=acme', '/plans']) {
    assert.deepEqual((await rival.get(`/api/v1/drills${path}`)).json.items, [], path);
  }
  const viewer = await person(world, owner, 'viewer@example.org', null, { acme: 'viewer' });
  assert.equal((await viewer.get('/api/v1/drills')).json.items.length, 1);
  assert.equal(await statusOf(viewer, 'GET', `/drills/${drill.id}/evidence.html`), 200);
  assert.equal(await statusOf(viewer, 'POST', '/drills', { plan: 'nightly' }), 403);

  // What runs commands on this machine is not for the admin of one tenant.
  const admin = await person(world, owner, 'admin@example.org', null, { acme: 'admin' });
  const command = { kind: 'command', command: 'id' };
  assert.equal(await statusOf(admin, 'POST', '/drills', { plan: 'nightly', checks: [command] }), 403);
  for (const [kind, body] of [
    ['sources', { kind: 'sqlite', path: join(world.folder, 'acme.db') }],
    ['destinations', { address: join(world.folder, 'acme'), minimumFreeBytes: 0 }],
  ] as const) {
    const made = await owner.post(`/api/v1/${kind}`, { name: 'acme', body, tenant_id: 'acme' });
    assert.equal(made.status, 201, made.text);
  }
  const plan = { sources: ['acme'], destination: 'acme', tenantId: 'acme' };
  const post = (name: string, more: object) =>
    statusOf(admin, 'POST', '/plans', { name, body: { ...plan, ...more } });
  const hooks = { before: [{ command: 'id' }] };
  assert.equal(await post('hooked', { hooks }), 403);
  assert.equal(await post('checked', { drill: { checks: [command] } }), 403);
  assert.equal(await post('elsewhere', { drill: { folder: '/etc' } }), 403);
  assert.equal(await post('own', { drill: { schedule: 'monthly' } }), 201);
  const put = async (client: HttpClient, drill: object) => {
    const { version } = (await owner.get('/api/v1/plans/own')).json;
    return statusOf(client, 'PUT', '/plans/own', { body: { ...plan, drill }, version });
  };
  assert.equal(await put(owner, { schedule: 'monthly', checks: [command] }), 200);
  const { drill: stored } = (await admin.get('/api/v1/plans/own')).json.body;
  assert.equal(await put(admin, { ...stored, schedule: 'quarterly' }), 200);
  assert.equal(await put(admin, { ...stored, checks: [{ ...command, command: 'reboot' }] }), 403);
  assert.equal(await put(admin, { ...stored, checks: [] }), 403);

  // The name of the plan is another tenant's by now: its checks, and what it would keep, are of that one alone.
  await place.plan({ tenantId: 'rival' }, { checks: [{ ...command, name: 'of the rival' }] });
  const again = (await admin.post('/api/v1/drills', { backup_id: second })).json;
  const { status, result } = await world.ended(owner, again.job_id);
  assert.equal(status, 'succeeded');
  const { check_results } = (await admin.get(`/api/v1/drills/${result.drillId}`)).json;
  assert.ok(check_results.length > 0);
  assert.ok(!JSON.stringify(check_results).includes('rival'), JSON.stringify(check_results));
  const shownTo = async (client: HttpClient) =>
    (await client.get('/api/v1/plans/nightly/retention-preview')).json.destinations[0].items.length;
  assert.deepEqual([await shownTo(owner), await shownTo(rival)], [2, 0]);
});
