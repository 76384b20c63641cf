/** The wizard of a fresh server against S3, in a browser. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { examine, fileBrowser, visitor } from '../../support/browser.ts';
import type { Ceph } from '../../support/ceph.ts';
import { httpWorld, OWNER } from '../../support/http-world.ts';
import { newBucket } from './world.ts';

export function webTests(ceph: () => Ceph): void {
  const browser = fileBrowser();
  test('a new server takes a backup back from S3, in German, and somebody is logged in', async (t) => {
    const environment = {
      HOLDFAST_ALLOWED_ADDRESSES: '127.0.0.1',
      AWS_ACCESS_KEY_ID: ceph().owner.accessKeyId,
      AWS_SECRET_ACCESS_KEY: ceph().owner.secretAccessKey,
    };
    const bucket = await newBucket(ceph());
    const lost = await httpWorld(t, { environment });
    const owner = await lost.owner();
    const file = join(lost.folder, 'app.db');
    const database = new DatabaseSync(file);
    database.exec('create table t (a); insert into t values (1), (2), (3)');
    database.close();
    await owner.post('/api/v1/sources', { name: 'app', body: { kind: 'sqlite', path: file } });
    const { accessKeyId, secretAccessKey } = ceph().owner;
    const s3 = { bucket, prefix: 'old', endpoint: ceph().endpoint, path_style: true };
    const stored = await owner.send('PUT', '/api/admin/backups/config', {
      body: {
        ...{ sources: ['app'], encryption_key: lost.keyText, schedule: '0 4 * * *' },
        s3: { ...s3, access_key_id: accessKeyId, secret_access_key: secretAccessKey },
      },
    });
    assert.equal(stored.status, 200, stored.text);
    const { json: run } = await owner.post('/api/admin/backups/trigger');
    const job = await lost.ended(owner, run.job_id);
    assert.equal(job.status, 'succeeded', JSON.stringify(job.error));

    const fresh = await httpWorld(t, { environment });
    const { page, findings } = await visitor(t, browser(), fresh.address, {
      locale: 'de-DE',
      viewport: { width: 390, height: 800 },
    });
    const button = (name: string) => page.getByRole('button', { name, exact: true });
    const field = (name: string) => page.getByLabel(new RegExp(`^${name}`)).first();
    await page.goto('/');
    await page.getByRole('radio', { name: /^Aus einer Sicherung/ }).check();
    await field('Einrichtungs-Token').fill(fresh.setupToken);
    await page.getByRole('radio', { name: /^Ein Repository auf S3/ }).check();
    await field('Bucket').fill(bucket);
    await field('Ordner darin').fill('old');
    await field('Endpunkt').fill(ceph().endpoint);
    await field('Kennung des Zugangs').fill(accessKeyId);
    await field('Geheimer Schlüssel').fill('wrong');
    await page.getByRole('checkbox', { name: /^Der Bucket steht im Pfad/ }).check();
    await field('Schlüssel der Sicherungen').fill(lost.keyText);
    await button('Zeigen, was dort liegt').click();
    await page.getByRole('alert').waitFor();
    assert.match(
      findings().join('\n'),
      /^[^\n]*502[^\n]*$/,
      'the browser tells of the refusal, and of nothing else',
    );
    await field('Geheimer Schlüssel').fill(secretAccessKey);
    await button('Zeigen, was dort liegt').click();
    await page.getByRole('radiogroup', { name: 'Welche Sicherung?' }).waitFor();
    await examine(page, 'setup-s3-phone');
    await button('Prüfen, und zwar alles').click();
    await field('Ordner auf dem Server').fill(join(fresh.folder, 'placed'));
    await field('Zum Bestätigen „zurück“ eingeben').fill('zurück');
    await button('Jetzt wiederherstellen').click();
    await field('Name').fill(OWNER.name);
    await field('Passwort').fill(OWNER.password);
    await button('Server übernehmen').click();
    await page.getByRole('heading', { level: 1, name: 'Übersicht' }).waitFor();
    const restored = new DatabaseSync(join(fresh.folder, 'placed', 'app.db'), { readOnly: true });
    assert.equal(restored.prepare('select count(*) n from t').get()!.n, 3);
    restored.close();
  });
}
