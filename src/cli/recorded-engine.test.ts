import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeEngine } from '../../test/support/fake-engine.ts';
import { HoldfastError } from '../engine/base/errors.ts';
import type { NewEntry } from '../server/ledger/local-ledger.ts';
import type { Engine, OpenEngineOptions } from './engine-door.ts';
import { recordedModule, type WrittenPlace } from './recorded-engine.ts';

const OPTIONS = {
  address: '/backups',
  layout: 'repository',
  keyTexts: ['k'],
} as unknown as OpenEngineOptions;
const BACKUP = { sources: [], plan: 'nightly', tenantId: 'acme', type: 'full' } as const;

function world(answers: Partial<Engine> = {}, signal: AbortSignal = new AbortController().signal) {
  const entries: Omit<NewEntry, 'actor'>[] = [];
  const places: WrittenPlace[] = [];
  const fake = fakeEngine(answers);
  const module = recordedModule(fake, {
    add: (entry) => void entries.push(entry),
    wrote: (place) => void places.push(place),
    ledgerHead: async () => 'the head',
    nowMs: () => 0,
    signal,
  });
  const told = () => entries.map(({ stream, action, outcome }) => `${stream} ${action} ${outcome}`);
  return { fake, module, entries, places, told, open: () => module.openEngine(OPTIONS) };
}

test('what is done is told, reads apart; lists and dry runs are not', async () => {
  const { open, told, fake, places } = world();
  const engine = await open();
  await engine.backup(BACKUP);
  await engine.list({ plan: null, tenantId: null, archived: false });
  await engine.rotate({ dryRun: true, plan: null, tenantId: null, rulesOf: () => ({}) });
  await engine.prune({ dryRun: true });
  await engine.prune({ dryRun: false });
  await engine.browse('latest', 'uploads');
  await engine.restore({ backupId: 'latest', item: null, target: '/x', replace: true });
  await engine.close();
  assert.deepEqual(told(), [
    'audit_vault backup succeeded',
    'audit_vault prune succeeded',
    'org_admin_reads preview succeeded',
    'org_admin_reads restore succeeded',
  ]);
  const [request] = fake.calls.find(({ name }) => name === 'backup')!.args as [
    { ledgerHead(): Promise<string> },
  ];
  assert.equal(await request.ledgerHead(), 'the head');
  assert.deepEqual(new Set(places.map(({ address }) => address)), new Set(['/backups']));
  assert.equal(fake.closed, 1);
});

test('how it ended is told: failed, skipped, interrupted, incomplete; what was mistyped is not', async () => {
  const outcomeOf = async (thrown: unknown, signal?: AbortSignal) => {
    const { open, entries } = world({ backup: () => Promise.reject(thrown) }, signal);
    await assert.rejects((await open()).backup(BACKUP));
    return entries.map(({ outcome, detail }) => [
      outcome,
      (detail as { error: { code: string } }).error.code,
    ]);
  };
  assert.deepEqual(await outcomeOf(new HoldfastError('source_missing')), [['failed', 'source_missing']]);
  assert.deepEqual(await outcomeOf(new HoldfastError('space_low')), [['skipped', 'space_low']]);
  assert.deepEqual(await outcomeOf(new HoldfastError('interrupted')), [['interrupted', 'interrupted']]);
  assert.deepEqual(await outcomeOf(new TypeError('x'), AbortSignal.abort()), [['interrupted', 'internal']]);
  assert.deepEqual(await outcomeOf(new HoldfastError('id_unknown')), []);
  const { open, told } = world({
    backup: async () => ({ ...(await (await world().open()).backup(BACKUP)), status: 'incomplete' as const }),
  });
  await (await open()).backup(BACKUP);
  assert.deepEqual(told(), ['audit_vault backup incomplete']);
});

test('passwords and keys do not get into an entry', async () => {
  const { open, entries } = world({
    restore: () => Promise.reject(new HoldfastError('database_auth', 'postgres://app:hunter2@db/x refused')),
  });
  const engine = await open();
  const target = 'postgres://app:hunter2@db/orders?password=hunter2';
  await assert.rejects(engine.restore({ backupId: 'latest', item: null, target, replace: true }));
  await engine.addKey('hfk1-00000-secret', 'label of hfk1-abcdef');
  const text = JSON.stringify(entries);
  assert.ok(!/hunter2|secret|abcdef/.test(text), text);
  assert.match(text, /postgres:\/\/app:\*\*\*@db/);
});

test('several destinations: where a copy is missing, no head is put', async () => {
  const { module, told, places } = world();
  const spec = (name: string) => ({
    ...{ name, address: `/${name}`, region: null, rulesOf: () => ({}), regionsOf: () => null },
    options: async () => ({ ...OPTIONS, address: `/${name}` }),
  });
  const port = { progress: { phase() {}, advance() {}, warn() {} }, signal: new AbortController().signal };
  await module.backupToAll(BACKUP, [spec('one'), spec('two')], port);
  assert.deepEqual(told(), ['audit_vault backup succeeded']);
  assert.deepEqual(
    places.map(({ address }) => address),
    ['/one', '/two'],
  );
});
