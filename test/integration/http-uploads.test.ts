/** Bundles uploaded in pieces: cut connections, going on, limits, and the import into a destination. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { silentProgress } from '../../src/engine/base/progress.ts';
import { parseKeyText } from '../../src/engine/crypto/key-text.ts';
import { generateKeyText, openEngine } from '../../src/engine/index.ts';
import { forgedBundle } from '../support/bundles.ts';
import type { HttpClient } from '../support/http-client.ts';
import { httpWorld, person } from '../support/http-world.ts';
import { untilTrue } from '../support/until-true.ts';

const UPLOADS = '/api/v1/uploads';
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

const send = (client: HttpClient, id: string, offset: number, bytes: Buffer) =>
  client.send('PATCH', `${UPLOADS}/${id}`, {
    raw: bytes,
    headers: { 'content-type': 'application/offset+octet-stream', 'upload-offset': String(offset) },
  });
const offsetOf = async (client: HttpClient, id: string) =>
  Number((await client.send('HEAD', `${UPLOADS}/${id}`)).headers['upload-offset']);

/** Announces all of the bytes and sends some; the caller breaks the connection. */
function sendSome(address: string, client: HttpClient, id: string, bytes: Buffer, sent: number) {
  const request = httpRequest(`${address}${UPLOADS}/${id}`, {
    method: 'PATCH',
    agent: false,
    headers: {
      cookie: [...client.cookies].map(([name, value]) => `${name}=${value}`).join('; '),
      'content-type': 'application/offset+octet-stream',
      ...{ 'content-length': bytes.length, 'upload-offset': 0 },
    },
  });
  request.on('error', () => undefined);
  request.write(bytes.subarray(0, sent));
  return request;
}

test('an upload that is cut goes on where it was, and becomes a backup that can be looked into', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  await world.withPlan(owner);
  const { json: run } = await owner.post('/api/v1/plans/nightly/run');
  const id = (await world.ended(owner, run.job_id)).result.backups[0].backupId;
  const bundle = (await owner.get(`/api/v1/backups/${id}/download`)).bytes;
  const other = { address: join(world.folder, 'other'), minimumFreeBytes: 0 };
  await owner.post('/api/v1/destinations', { name: 'other', body: other });

  const begin = (fields: object = {}) =>
    owner.post(UPLOADS, { size_bytes: bundle.length, sha256: sha256(bundle), ...fields });
  const { status, headers, json: upload } = await begin({ name: 'of the old server' });
  assert.deepEqual([status, headers.location, upload.state], [201, `${UPLOADS}/${upload.id}`, 'receiving']);
  const sending = sendSome(world.address, owner, upload.id, bundle, 1000);
  await untilTrue(async () => (await offsetOf(owner, upload.id)) === 1000 || null);
  assert.equal((await send(owner, upload.id, 1000, bundle.subarray(1000))).json.code, 'upload_conflict');
  sending.destroy();
  const offset = 1000;

  // Whoever sends from elsewhere, or somebody else's, changes nothing.
  assert.equal((await send(owner, upload.id, offset + 1, bundle)).json.code, 'upload_conflict');
  const stranger = await person(world, owner, 'other@example.org', 'admin');
  assert.equal((await send(stranger, upload.id, offset, bundle.subarray(offset))).json.code, 'item_unknown');
  const operator = await person(world, owner, 'operator@example.org', 'operator');
  assert.equal((await operator.post(UPLOADS, { size_bytes: 1 })).status, 403);
  assert.equal((await owner.get(`${UPLOADS}/..%2F..%2Fcatalog`)).json.code, 'item_unknown');
  const early = await owner.post(`${UPLOADS}/${upload.id}/import`, { destination: 'other' });
  assert.equal(early.json.code, 'upload_incomplete');
  assert.equal(await offsetOf(owner, upload.id), offset);

  const whole = await untilTrue(async () => {
    const answer = await send(owner, upload.id, offset, bundle.subarray(offset));
    return answer.json.code === 'upload_conflict' ? null : answer;
  });
  assert.deepEqual([whole.status, whole.json.state, whole.json.sha256], [200, 'complete', sha256(bundle)]);

  const imported = async (fields: object) => {
    const begun = await owner.post(`${UPLOADS}/${upload.id}/import`, fields);
    assert.equal(begun.status, 202, begun.text);
    return untilTrue(async () => {
      const { json } = await owner.get(`${UPLOADS}/${upload.id}`);
      return json.state === 'importing' ? null : json;
    });
  };
  const known = await imported({ destination: 'main' });
  assert.deepEqual([known.state, known.error.code], ['failed', 'object_exists']);
  const done = await imported({ destination: 'other', encryption_key: generateKeyText() });
  assert.deepEqual([done.state, done.backup_id], ['imported', id], JSON.stringify(done.error));
  const heldBy = async () => {
    const { copies } = (await owner.get(`/api/v1/backups/${id}`)).json;
    return copies.map((copy: { destination: string }) => copy.destination).sort();
  };
  assert.deepEqual(await heldBy(), ['main', 'other']);
  assert.deepEqual(await readdir(join(world.folder, 'home', 'incoming')), [`${upload.id}.json`]);

  // What is being imported is not taken away beneath it.
  await owner.post('/api/v1/destinations', {
    name: 'third',
    body: { address: join(world.folder, 'third'), minimumFreeBytes: 0 },
  });
  const { json: second } = await begin();
  await send(owner, second.id, 0, bundle);
  await owner.post(`${UPLOADS}/${second.id}/import`, { destination: 'third' });
  const removed = await owner.send('DELETE', `${UPLOADS}/${second.id}`);
  if (removed.status === 200)
    assert.ok((await heldBy()).includes('third'), 'removed before its import ended');
  else assert.equal(removed.json.code, 'upload_conflict');
});

test('another backup under a known id is refused, wherever it comes from, and what is known stays as it is', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  await world.withPlan(owner);
  const { json: run } = await owner.post('/api/v1/plans/nightly/run');
  const id = (await world.ended(owner, run.job_id)).result.backups[0].backupId;
  const genuine = (await owner.get(`/api/v1/backups/${id}/download`)).bytes;
  const forged = await forgedBundle(genuine, parseKeyText(world.keyText), 'app.db');
  const address = join(world.folder, 'other');
  await owner.post('/api/v1/destinations', { name: 'other', body: { address, minimumFreeBytes: 0 } });
  // From here on the catalog has the times of the manifest.
  await owner.post('/api/v1/backups/refresh');
  const before = (await owner.get(`/api/v1/backups/${id}`)).json;

  const { json: upload } = await owner.post(UPLOADS, { size_bytes: forged.length });
  assert.equal((await send(owner, upload.id, 0, forged)).json.state, 'complete');
  for (const destination of ['main', 'other']) {
    await owner.post(`${UPLOADS}/${upload.id}/import`, { destination });
    const { state, error } = await untilTrue(async () => {
      const { json } = await owner.get(`${UPLOADS}/${upload.id}`);
      return json.state === 'importing' ? null : json;
    });
    assert.deepEqual([state, error?.code], ['failed', 'backup_conflict'], destination);
    assert.equal(error.message, `backup ${id} is known with other content: app.db has another SHA-256`);
  }
  assert.deepEqual((await owner.get(`/api/v1/backups/${id}`)).json, before);

  // Nor is it taken for a copy when it lies at a destination already.
  const engine = await openEngine({
    ...{ address, layout: 'repository', keyTexts: [world.keyText], progress: silentProgress },
    ...{ signingKeyFile: join(world.folder, 'elsewhere.pem'), stateFolder: join(world.folder, 'elsewhere') },
    ...{ create: 'if-missing', signal: new AbortController().signal },
  });
  await writeFile(join(world.folder, 'forged'), forged);
  await engine.importBundle(join(world.folder, 'forged'));
  await engine.close();
  await owner.post('/api/v1/backups/refresh');
  const { copies, copies_wanted: wanted, ...after } = (await owner.get(`/api/v1/backups/${id}`)).json;
  const { copies: _, copies_wanted: __, ...known } = before;
  assert.deepEqual(after, known);
  assert.equal(wanted, 2, 'the copy that is none is missing');
  const at = (list: { destination: string; state: string; error: string | null }[]) =>
    list.map(({ destination, state, error }) => [destination, state, error]).sort();
  assert.deepEqual(at(copies), [
    ['main', 'present', null],
    ['other', 'failed', `backup ${id} is known with other content: app.db has another SHA-256`],
  ]);
});

test('a disk of the server that fills up answers as one, and the upload goes on once there is room', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  const bytes = Buffer.alloc(3000, 7);
  const { json: upload } = await owner.post(UPLOADS, { size_bytes: 3000, sha256: sha256(bytes) });
  const file = join(world.folder, 'home', 'incoming', `${upload.id}.bundle`);
  await rm(file);
  await symlink('/dev/full', file);
  const full = await send(owner, upload.id, 0, bytes);
  assert.deepEqual(
    [full.status, full.headers['content-type'], full.json.code],
    [507, 'application/problem+json', 'storage_full'],
  );
  await rm(file);
  await writeFile(file, bytes.subarray(0, 1000));
  assert.equal(await offsetOf(owner, upload.id), 1000);
  const whole = await send(owner, upload.id, 1000, bytes.subarray(1000));
  assert.deepEqual([whole.json.state, whole.json.sha256], ['complete', sha256(bytes)]);
});

test('limits hold, other bytes than announced are refused, and what is over goes', async (t) => {
  const world = await httpWorld(t, { environment: { HOLDFAST_UPLOAD_LIMIT_BYTES: '5000' } });
  const owner = await world.owner();
  const tooMuch = await owner.post(UPLOADS, { size_bytes: 5001 });
  assert.deepEqual([tooMuch.status, tooMuch.json.code], [413, 'request_too_large']);
  const bytes = Buffer.alloc(3000, 7);
  const { json: one } = await owner.post(UPLOADS, { size_bytes: 3000, sha256: sha256(Buffer.from('else')) });
  const more = await send(owner, one.id, 0, Buffer.alloc(3001));
  assert.equal(more.json.code, 'request_too_large');
  const offset = await offsetOf(owner, one.id);
  const wrong = await send(owner, one.id, offset, bytes.subarray(offset));
  assert.equal(wrong.json.code, 'upload_incomplete');
  assert.equal((await owner.get(`${UPLOADS}/${one.id}`)).status, 404);

  const { json: two } = await owner.post(UPLOADS, { size_bytes: 3000 });
  await send(owner, two.id, 0, bytes.subarray(0, 10));
  const folder = join(world.folder, 'home', 'incoming');
  const old = new Date(Date.now() - 25 * 3_600_000);
  const began = JSON.parse(await readFile(join(folder, `${two.id}.json`), 'utf8'));
  await writeFile(join(folder, `${two.id}.json`), JSON.stringify({ ...began, createdAtMs: old.getTime() }));
  await utimes(join(folder, `${two.id}.bundle`), old, old);
  assert.equal((await owner.get(`${UPLOADS}/${two.id}`)).status, 404);
  const { json: three } = await owner.post(UPLOADS, { size_bytes: 3000 });
  assert.deepEqual((await readdir(folder)).sort(), [`${three.id}.bundle`, `${three.id}.json`]);
  assert.equal((await owner.send('DELETE', `${UPLOADS}/${three.id}`)).status, 200);
  assert.deepEqual(await readdir(folder), []);
});

test('while nobody owns the server, a bundle comes in pieces, too', async (t) => {
  const source = await httpWorld(t);
  const owner = await source.owner();
  await source.withPlan(owner);
  const { json: run } = await owner.post('/api/v1/plans/nightly/run');
  const id = (await source.ended(owner, run.job_id)).result.backups[0].backupId;
  const bundle = (await owner.get(`/api/v1/backups/${id}/download`)).bytes;

  const world = await httpWorld(t);
  const setup = world.client();
  setup.headers.authorization = `Bearer ${world.setupToken}`;
  const url = '/api/setup/restore/uploads';
  const { status, json: upload } = await setup.post(url, { size_bytes: bundle.length });
  assert.equal(status, 201);
  const piece = (offset: number, bytes: Buffer, client = setup) =>
    client.send('PATCH', `${url}/${upload.id}`, {
      raw: bytes,
      headers: { 'content-type': 'application/offset+octet-stream', 'upload-offset': String(offset) },
    });
  assert.equal((await piece(0, bundle, world.client())).json.code, 'setup_token_wrong');
  const half = bundle.length >> 1;
  assert.equal((await piece(0, bundle.subarray(0, half))).json.offset, half);
  const early = await setup.post('/api/setup/restore/open', {
    ...{ upload_id: upload.id, encryption_key: source.keyText },
  });
  assert.equal(early.json.code, 'upload_incomplete');
  assert.equal((await piece(half, bundle.subarray(half))).json.state, 'complete');
  const opened = await setup.post('/api/setup/restore/open', {
    ...{ upload_id: upload.id, encryption_key: source.keyText },
  });
  assert.equal(opened.status, 202, opened.text);
  const view = await untilTrue(async () => {
    const { json } = await setup.post('/api/setup/restore/status', { restore_id: opened.json.restore_id });
    return json.state === 'opening' ? null : json;
  });
  assert.deepEqual([view.state, view.backup?.id], ['opened', id], JSON.stringify(view.error));
  await world.owner();
  assert.equal((await setup.get(`${url}/${upload.id}`)).json.code, 'setup_closed');
});
