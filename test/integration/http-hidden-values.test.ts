/** Values that the checks of a drill are given: used by the drill, shown to nobody, and kept when what was shown comes back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { httpWorld, person } from '../support/http-world.ts';

const SECRET = 'correct horse battery';

test('values of checks are hidden wherever plans are read, and stay when a plan is written back', async (t) => {
  const world = await httpWorld(t, { environment: { SMOKE_TOKEN: 'from the environment' } });
  const owner = await world.owner();
  await world.withPlan(owner);
  const read = async () => (await owner.get('/api/v1/plans/nightly')).json;
  const put = async (body: object, version: number) =>
    owner.send('PUT', '/api/v1/plans/nightly', { body: { body, version } });
  const shown = {
    ...{ kind: 'command', name: 'smoke', environment: { PIN: SECRET, TOKEN: '${SMOKE_TOKEN}' } },
    // The value is not compared: commands are shown.
    command: 'test "$(printf %s "$PIN" | wc -c)" -eq 21 && test "$TOKEN" = "from the environment"',
  };
  const before = await read();
  const body = { ...before.body, drill: { folder: world.folder, checks: [shown] } };
  assert.equal((await put(body, before.version)).status, 200);

  const stored = await read();
  assert.deepEqual(stored.body.drill.checks[0].environment, { PIN: '***', TOKEN: '${SMOKE_TOKEN}' });
  const yaml = (await owner.get('/api/v1/configuration')).text;
  assert.match(yaml, /PIN: "?\*\*\*/);
  const viewer = await person(world, owner, 'viewer@example.org', 'viewer', {});
  const diff = await owner.post('/api/v1/configuration/diff', {
    yaml: yaml.replace(/PIN: .*/, 'PIN: other'),
  });
  const given: [string, { text: string }][] = [
    ['the plan', await viewer.get('/api/v1/plans/nightly')],
    ['all plans', await viewer.get('/api/v1/plans')],
    ['the file', { text: yaml }],
    ['a difference', diff],
    ['the ledger', await owner.get('/api/v1/ledger?limit=200')],
    ['the log', { text: world.log.join('') }],
  ];
  assert.deepEqual(
    given.filter(([, { text }]) => text.includes(SECRET) || text.length < 3).map(([what]) => what),
    [],
  );
  const replaced = diff.json.changes.filter(({ change }: { change: string }) => change === 'replace');
  assert.deepEqual(
    replaced.map(({ name, fields }: { name: string; fields: { field: string }[] }) => [
      name,
      fields[0]?.field,
    ]),
    [['nightly', 'drill.checks']],
  );

  // Written back, by the page and by the file, it is what it was.
  assert.equal((await put({ ...stored.body, enabled: true }, stored.version)).status, 200);
  const applied = await owner.post('/api/v1/configuration/apply', {
    yaml: (await owner.get('/api/v1/configuration')).text,
    overwrite: ['plan/nightly'],
  });
  assert.equal(applied.status, 200, applied.text);
  const { body: kept } = await world.catalog.db
    .selectFrom('documents')
    .select('body')
    .where('kind', '=', 'plan')
    .executeTakeFirstOrThrow();
  assert.equal(JSON.parse(kept).drill.checks[0].environment.PIN, SECRET);

  const refused = await owner.post('/api/v1/plans', { name: 'copied', body: stored.body });
  assert.deepEqual([refused.status, refused.json.code], [400, 'config_invalid']);
  assert.match(refused.json.detail, /plan\.copied\.drill\.checks\.0\.environment\.PIN/);
  const key = { ...shown, environment: { KEY: '${BACKUP_ENCRYPTION_KEY}' } };
  const named = await put({ ...stored.body, drill: { checks: [key] } }, (await read()).version);
  assert.deepEqual([named.status, named.json.code], [400, 'config_invalid']);

  // The drill itself has the values, and so has a trial of what was read.
  const ended = async (path: string, sent: object) =>
    world.ended(owner, (await owner.post(path, sent)).json.job_id);
  await ended('/api/v1/plans/nightly/run', {});
  for (const checks of [undefined, (await read()).body.drill.checks]) {
    const { status, error } = await ended('/api/v1/drills', { plan: 'nightly', ...(checks && { checks }) });
    assert.equal(status, 'succeeded', JSON.stringify(error));
  }
});
