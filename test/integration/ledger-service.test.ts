/** What the service's jobs leave in the ledger, keys of several machines, and anchors on stored destinations. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { codeOf, readAnchors } from '../../src/engine/index.ts';
import { anchorEverywhere } from '../../src/server/anchor-ledger.ts';
import { type CatalogAddress, openCatalog } from '../../src/server/catalog/catalog.ts';
import { writeDocument } from '../../src/server/configuration/documents.ts';
import { type Core, openCore } from '../../src/server/core.ts';
import type { JobRequest } from '../../src/server/jobs/port.ts';
import { openCatalogLedger } from '../../src/server/ledger/catalog-ledger.ts';
import { dumpLedger } from '../../src/server/ledger/dump.ts';
import { listLedger } from '../../src/server/ledger/list-entries.ts';
import { maySign } from '../../src/server/ledger/may-sign.ts';
import { verifyLedgerDump } from '../../src/server/ledger/proof/verify-dump.ts';
import {
  admitLedgerKey,
  listLedgerKeys,
  newLedgerKey,
  retireLedgerKey,
} from '../../src/server/ledger/rotate-keys.ts';
import type { Workplace } from '../../src/server/worker/port.ts';
import { onEachCatalog } from '../support/catalogs.ts';
import { newEntry } from '../support/ledger-world.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { untilTrue } from '../support/until-true.ts';

const NOWHERE: Workplace = {
  destination: async () => assert.fail('no destination is asked for'),
  source: async () => assert.fail('no source is asked for'),
  drill: async () => assert.fail('no drill is asked for'),
  evidence: { stateFolder: '/nowhere', signingKeyFile: '/nowhere' },
};

interface Service {
  readonly core: Core;
  readonly keys: string;
  readonly errors: unknown[];
  /** Restores that were begun. */
  readonly restored: string[];
}

async function service(t: TestContext, address: CatalogAddress): Promise<Service> {
  const keys = join(await temporaryFolder(t), 'ledger-keys');
  const errors: unknown[] = [];
  const restored: string[] = [];
  const core = await openCore({
    ...{ address, workplace: NOWHERE, ledgerKeys: keys },
    onError: (error) => errors.push(error),
  });
  t.after(() => core.close());
  core.work(
    {},
    {
      custom: async (job) => {
        if (job.tenantId === 'acme') throw new Error('it does not work');
        return { status: 'succeeded', result: null };
      },
      restore: async (job) => {
        restored.push(job.id);
        return { status: 'succeeded', result: null };
      },
    },
  );
  return { core, keys, errors, restored };
}

async function ended({ core }: Service, request: Omit<JobRequest, 'maxAttempts'>) {
  const { job } = await core.queue.enqueue({ ...request, maxAttempts: 1 });
  await untilTrue(async () => (await core.queue.get(job.id))?.finishedAtMs !== null);
  return (await core.queue.get(job.id))!;
}

const backupId = '0193a000-0000-7000-8000-000000000001';
const restoreOf = { kind: 'restore', payload: { backupId } } as const;

onEachCatalog('ledger of the service', (place) => {
  test('every job is recorded as it ends; a restore before it begins, too', async (t) => {
    const here = await service(t, await place.address(t));
    const job = { kind: 'custom', payload: {} } as const;
    const good = await ended(here, { ...job, tenantId: null });
    const bad = await ended(here, { ...job, tenantId: 'acme' });
    await ended(here, restoreOf);
    const { db } = openCatalogLedger(here.core.catalog, { keyFolder: here.keys }).place;
    const done = (await listLedger(db, { stream: 'audit_vault', limit: 9 })).reverse().slice(1);
    assert.deepEqual(
      done.map((entry) => [entry.action, entry.outcome, entry.tenant_id, entry.object_id]),
      [
        ['custom', 'succeeded', null, good.id],
        ['custom', 'failed', 'acme', bad.id],
      ],
    );
    const reads = (await listLedger(db, { stream: 'org_admin_reads', limit: 9 })).reverse().slice(1);
    assert.deepEqual(
      reads.map((entry) => [entry.action, entry.outcome, entry.object_kind, entry.object_id]),
      [
        ['restore', 'started', 'backup', backupId],
        ['restore', 'succeeded', 'backup', backupId],
      ],
    );
    assert.deepEqual(here.errors, []);
  });

  test('where no key is admitted, no restore begins; other jobs end as they did, and that is said', async (t) => {
    const address = await place.address(t);
    const first = await openCatalog(address);
    t.after(() => first.close());
    const ledger = openCatalogLedger(first, { keyFolder: join(await temporaryFolder(t), 'ledger-keys') });
    await ledger.record(newEntry(1));
    const here = await service(t, address);
    assert.equal((await ended(here, { kind: 'custom', payload: {} })).status, 'succeeded');
    assert.deepEqual(here.errors.map(codeOf), ['ledger_key_missing']);
    const refused = await ended(here, restoreOf);
    assert.deepEqual([refused.status, refused.error?.code], ['failed', 'ledger_not_written']);
    assert.deepEqual(here.restored, []);
    assert.equal((await ledger.heads())!.heads[0]!.seq, 2);

    // A key that is admitted by the machine that signs already; then that of the first one ends.
    const own = openCatalogLedger(here.core.catalog, { keyFolder: here.keys });
    assert.deepEqual([await maySign(ledger), await maySign(own)], [true, false]);
    const made = await newLedgerKey(own);
    assert.equal(
      codeOf(await own.record(newEntry(2)).catch((error: unknown) => error)),
      'ledger_key_missing',
    );
    await admitLedgerKey(ledger, made.publicKey, 'worker2');
    assert.equal((await own.record(newEntry(3))).key_id, made.keyId);
    assert.equal(await maySign(own), true);
    assert.equal((await ended(here, restoreOf)).status, 'succeeded');
    const [firstKey] = await listLedgerKeys(own.place.db);
    await retireLedgerKey(own, firstKey!.key_id.slice(0, 16));
    assert.equal(
      codeOf(await ledger.record(newEntry(4)).catch((error: unknown) => error)),
      'ledger_key_missing',
    );
    assert.equal(
      codeOf(await admitLedgerKey(own, made.publicKey, 'x').catch((error: unknown) => error)),
      'usage',
    );
    const dump = join(await temporaryFolder(t), 'dump');
    await dumpLedger(own.place, dump);
    const report = await verifyLedgerDump({ folder: dump, kept: null, pinned: [] });
    assert.deepEqual(report.problems, []);
    assert.deepEqual(
      report.keys.map(({ keyId, status }) => [keyId, status]),
      [
        [firstKey!.key_id, 'retired'],
        [made.keyId, 'active'],
      ],
    );
  });
});

onEachCatalog('anchors of the service', (place) => {
  test('stored destinations get the heads, once an hour; one that is down does not keep the others from it', async (t) => {
    const catalog = await place.open(t);
    const folder = await temporaryFolder(t);
    const ledger = openCatalogLedger(catalog, { keyFolder: join(folder, 'ledger-keys') });
    await ledger.record(newEntry(1));
    const author = { origin: 'api', name: null, atMs: catalog.clock.nowMs() } as const;
    for (const name of ['a-down', 'b-good']) {
      const body = { address: join(folder, name) };
      await catalog.transaction((trx) =>
        writeDocument(trx, { kind: 'destination', name, body, replaces: null }, author),
      );
    }
    const workplace = {
      ...NOWHERE,
      destination: async (_: unknown, name: string) => ({
        ...{ name, address: join(folder, name), region: null, rulesOf: () => ({}), regionsOf: () => null },
        options: async () => {
          if (name === 'a-down') throw new Error('it is down');
          return { address: join(folder, name) } as never;
        },
      }),
    } as Workplace;
    const errors: unknown[] = [];
    const { signal } = new AbortController();
    const parts = { catalog, ledger, workplace, onError: (error: unknown) => errors.push(error) };
    await anchorEverywhere(parts, signal);
    await ledger.record(newEntry(2));
    await anchorEverywhere(parts, signal);
    assert.deepEqual(
      errors.map((error) => (error as Error).message),
      ['it is down', 'it is down'],
    );
    const kept = [];
    for await (const anchor of readAnchors({ address: join(folder, 'b-good'), signal })) kept.push(anchor);
    assert.equal(kept.length, 1);
    const dump = join(folder, 'dump');
    await dumpLedger(ledger.place, dump);
    const { problems, anchors } = await verifyLedgerDump({ folder: dump, kept, pinned: [] });
    assert.deepEqual([problems, anchors.upTo.audit_vault], [[], 2]);
  });
});
