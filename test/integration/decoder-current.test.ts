/** The decoders of the recovery kit on what the current code writes: awkward trees, keys of all ages, and the museum of damage. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { generateKeyText } from '../../src/engine/index.ts';
import { compareTrees } from '../../src/engine/sources/files/index.ts';
import { place, succeeded } from '../support/cli-place.ts';
import { decoders } from '../support/decoders.ts';
import { deepTemporaryFolder, makeDeep } from '../support/deep-folder.ts';
import type { Museum } from '../support/frozen-repository.ts';
import { makeUploads } from '../support/recovery-fixture.ts';
import { runCli } from '../support/run-cli.ts';

const asRoot = process.geteuid?.() === 0;

function makeAwkward(folder: string): void {
  makeUploads(folder);
  for (const [name, mode] of [
    ['setuid', 0o4755],
    ['setgid', 0o2755],
    ['secret', 0o600],
  ] as const) {
    fs.writeFileSync(join(folder, name), name);
    if (asRoot) fs.chownSync(join(folder, name), 4321, 8765);
    fs.chmodSync(join(folder, name), mode);
  }
  fs.mkdirSync(join(folder, 'read-only'));
  fs.writeFileSync(join(folder, 'read-only/inside'), 'x');
  fs.chmodSync(join(folder, 'read-only'), 0o555);
  fs.linkSync(join(folder, 'odd link'), join(folder, 'the same odd link'));
  execFileSync('mkfifo', ['-m', '640', join(folder, 'fifo')]);
  fs.truncateSync(join(folder, 'empty'), 5_000_001);
  makeDeep(folder, 300, (base) => {
    fs.symlinkSync('bottom.txt', `${base}link`);
    fs.linkSync(`${base}bottom.txt`, `${base}name`);
  });
}

test('an awkward tree comes back the same: owners, special bits, FIFOs, linked symlinks, paths beyond PATH_MAX', async (t) => {
  const folder = deepTemporaryFolder(t);
  const source = join(folder, 'awkward');
  makeAwkward(source);
  const environment = { HOLDFAST_HOME: join(folder, 'home') };
  succeeded(await runCli(['backup', './awkward'], { folder, environment }));
  const key = fs.readFileSync(join(folder, 'home/encryption.key'), 'utf8');
  // Special bits come back only together with their owner.
  const without = asRoot ? [] : ['setgid: mode', 'setuid: mode'];
  for (const decoder of decoders()) {
    const target = join(folder, `out-${decoder.name}`);
    const run = decoder.run(['open', join(folder, 'home/repository'), 'latest', target, '--json'], {
      BACKUP_ENCRYPTION_KEY: key,
    });
    assert.equal(run.status, 0, run.stderr);
    assert.deepEqual(JSON.parse(run.stdout).skipped, []);
    const differences = compareTrees(source, join(target, 'awkward'));
    assert.deepEqual(
      differences.map(({ path, what }) => `${path}: ${what}`),
      without,
      decoder.name,
    );
    assert.equal(fs.statSync(join(target, 'awkward/empty')).blocks, 0, 'what is all hole stays one');
  }
});

test('after rotations and reencryption everything opens with the newest key, and single artifacts can be named', async (t) => {
  const { folder, home, holdfast } = await place(t);
  const repository = join(home, 'repository');
  fs.writeFileSync(join(folder, 'second.key'), generateKeyText(), { mode: 0o600 });
  succeeded(await holdfast(['backup', './app.db', './uploads']));
  succeeded(await holdfast(['key', 'rotate', '--key-file', './second.key']));
  const environment = { BACKUP_ENCRYPTION_KEY_FILE: join(folder, 'second.key') };
  fs.writeFileSync(join(folder, 'uploads/new'), 'new');
  succeeded(await holdfast(['backup', './app.db', './uploads'], { environment }));
  for (const step of ['rotated', 'reencrypted']) {
    if (step === 'reencrypted') succeeded(await holdfast(['key', 'reencrypt'], { environment }));
    for (const decoder of decoders()) {
      const listed = decoder.run(['list', repository, '--json'], environment);
      assert.equal(
        (JSON.parse(listed.stdout) as unknown[]).length,
        2,
        `${step} ${decoder.name} ${listed.stderr}`,
      );
      assert.equal(decoder.run(['check', repository], environment).status, 0, step);
      if (step === 'rotated') continue;
      const target = join(folder, 'out');
      const [, older] = JSON.parse(listed.stdout) as { id: string }[];
      const open = ['open', repository, older!.id.slice(0, 20), target, '--item'];
      assert.equal(decoder.run([...open, 'app.db'], environment).status, 0);
      assert.deepEqual(fs.readdirSync(target), ['app.db']);
      fs.rmSync(target, { recursive: true });
      const unknown = decoder.run([...open, 'nothing'], environment);
      assert.deepEqual([unknown.status, fs.existsSync(target)], [2, false]);
    }
  }
});

const GOLDEN = join(import.meta.dirname, '../golden');
const museum = JSON.parse(fs.readFileSync(join(GOLDEN, 'museum.json'), 'utf8')) as Museum;

test('every defect of the museum is found by both decoders, in the same words, and what is whole opens', () => {
  const environment = { BACKUP_ENCRYPTION_KEY: museum.keyText };
  for (const { folder, refused, damaged = [], rejected = [], affected = [] } of museum.exhibits) {
    const runs = decoders().map((decoder) =>
      decoder.run(['check', join(GOLDEN, folder), '--json'], environment),
    );
    assert.equal(runs[0]!.stdout, runs[1]!.stdout, folder);
    assert.equal(runs[0]!.status, runs[1]!.status, folder);
    if (refused) {
      assert.notEqual(runs[0]!.status, 0, folder);
      continue;
    }
    const report = JSON.parse(runs[0]!.stdout) as { ok: boolean; backups: string[]; damaged: string[] };
    const said = report.damaged.join('\n');
    for (const name of [...damaged, ...rejected])
      assert.ok(said.includes(name), `${folder}: ${name} in ${said}`);
    for (const id of affected) assert.ok(said.includes(id), `${folder}: ${id} in ${said}`);
    assert.equal(report.ok, damaged.length + rejected.length + affected.length === 0, `${folder}: ${said}`);
    // A name may be rejected while the backup itself lies in its right place, too.
    const isRejected = (id: string) => affected.includes(id) && rejected.some((name) => name.endsWith(id));
    const whole = museum.backups.map(({ id }) => id).filter((id) => !isRejected(id));
    assert.deepEqual([...report.backups].sort(), whole.sort(), folder);
  }
});
