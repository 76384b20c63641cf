import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, test } from 'node:test';
import { generateKeyText } from '../../../src/engine/crypto/key-text.ts';
import { type CliRun, runCli } from '../../support/run-cli.ts';
import { randomFrom } from '../../support/seed.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { newBucket, type World } from './world.ts';

/** The command line against a bucket, with nothing but the environment variables for credentials. */
export function endToEndTests(world: World): void {
  describe('s3: the command line', () => {
    test('backup, list, verify, restore, rotate and prune', async (t) => {
      const ceph = world();
      const folder = await temporaryFolder(t);
      const bucket = await newBucket(ceph);
      const { accessKeyId, secretAccessKey } = ceph.owner;
      const environment = {
        HOLDFAST_HOME: join(folder, 'home'),
        HOLDFAST_REPOSITORY: ceph.address('', {}, 'shop/main'),
        BACKUP_ENCRYPTION_KEY: generateKeyText(),
        S3_ACCESS_KEY_ID: accessKeyId,
        S3_SECRET_ACCESS_KEY: secretAccessKey,
        S3_REGION: 'us-east-1',
        S3_BUCKET: bucket,
      };
      const run = async (...args: string[]): Promise<CliRun> => {
        const result = await runCli(args, { folder, environment });
        assert.equal(result.status, 0, `${args.join(' ')}: ${result.stderr}`);
        for (const text of [result.stdout, result.stderr]) assert.ok(!text.includes(secretAccessKey));
        return result;
      };
      await makeApplication(folder);
      await run('init');
      const made = JSON.parse((await run('backup', 'app.db', 'uploads', '--json')).stdout);
      assert.equal(made.status, 'succeeded');
      const again = JSON.parse((await run('backup', 'app.db', 'uploads', '--json')).stdout);
      assert.ok(again.bytesStored < made.bytesStored / 20, `${again.bytesStored} of ${made.bytesStored}`);
      const listed = JSON.parse((await run('list', '--json')).stdout);
      assert.deepEqual(
        listed.map(({ id }: { id: string }) => id),
        [again.backupId, made.backupId],
      );
      assert.equal(JSON.parse((await run('verify', '--json')).stdout).ok, true);
      await run('restore', made.backupId, '--to', join(folder, 'restored'), '--confirm-restore');
      assert.deepEqual(
        await readFile(join(folder, 'restored/uploads/large.bin')),
        await readFile(join(folder, 'uploads/large.bin')),
      );
      const database = new DatabaseSync(join(folder, 'restored/app.db'), { readOnly: true });
      assert.deepEqual({ ...database.prepare('SELECT count(*) AS rows FROM orders').get() }, { rows: 500 });
      database.close();
      await run('rotate', '--json');
      const pruned = JSON.parse((await run('prune', '--json')).stdout);
      assert.equal(pruned.missingChunks, 0);
      const doctor = JSON.parse((await run('doctor', '--json')).stdout);
      assert.equal(doctor.ok, true);
      assert.match(JSON.stringify(doctor.checks), /writes, reads back, lists and deletes/);
    });
  });
}

async function makeApplication(folder: string): Promise<void> {
  await mkdir(join(folder, 'uploads'));
  await writeFile(join(folder, 'uploads/large.bin'), randomFrom(11).bytes(3 * 2 ** 20));
  await writeFile(join(folder, 'uploads/note.txt'), 'hello');
  const database = new DatabaseSync(join(folder, 'app.db'));
  database.exec('CREATE TABLE orders (id INTEGER PRIMARY KEY, total INTEGER NOT NULL)');
  const insert = database.prepare('INSERT INTO orders (total) VALUES (?)');
  for (let i = 0; i < 500; i += 1) insert.run(i * 7);
  database.close();
}
