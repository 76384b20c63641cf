/** The decoders of the recovery kit and damage: every flipped bit is found, and no wrong byte ever comes out. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join, relative } from 'node:path';
import { type TestContext, test } from 'node:test';
import { count } from '../support/counts.ts';
import { type Decoder, decoders } from '../support/decoders.ts';
import { assertSameTree, describeTree } from '../support/describe-tree.ts';
import { RECOVERY_BUNDLE, RECOVERY_REPOSITORY, readRecovery } from '../support/recovery-fixture.ts';
import { type SeededRandom, seededRandom } from '../support/seed.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const { keys, backups } = readRecovery();
const KEY = { BACKUP_ENCRYPTION_KEY: keys.second };
const [NEWEST] = backups;

function objectsOf(folder: string): string[] {
  return fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}

/** A copy that may be damaged. */
async function copyOf(t: TestContext): Promise<{ repository: string; folder: string }> {
  const folder = await temporaryFolder(t);
  const repository = join(folder, 'repository');
  fs.cpSync(RECOVERY_REPOSITORY, repository, { recursive: true });
  return { repository, folder };
}

/** Runs `work` while one bit of an object is flipped. */
function flipped(file: string, bit: number, work: () => void): void {
  const bytes = fs.readFileSync(file);
  const changed = Buffer.from(bytes);
  changed[bit >> 3]! ^= 1 << (bit & 7);
  fs.writeFileSync(file, changed);
  work();
  fs.writeFileSync(file, bytes);
}

/** Opens the newest backup. Throws when wrong bytes come out; false when it was refused, with nothing left behind. */
function opensRight(decoder: Decoder, repository: string, target: string, more: string[] = []): boolean {
  const run = decoder.run(['open', repository, NEWEST!.id, target, ...more], KEY);
  if (run.status !== 0) {
    assert.equal(fs.existsSync(target), false, 'what was refused leaves no folder');
    return false;
  }
  assertSameTree(describeTree(target), NEWEST!.entries, { ignoreTimes: (path) => !path.includes('/') });
  fs.rmSync(target, { recursive: true });
  return true;
}

/** True when check names the object, or the object is one whose change changes nothing. */
function finds(decoder: Decoder, repository: string, name: string): boolean {
  const run = decoder.run(['check', repository], KEY);
  const named = `${run.stdout}${run.stderr}`.includes(name);
  return run.status !== 0 && named;
}

for (const decoder of decoders()) {
  test(`${decoder.name}: a flipped bit in any object is found and named, and brings no wrong byte`, async (t) => {
    const random = seededRandom(`decoder damage, ${decoder.name}`);
    const { repository, folder } = await copyOf(t);
    for (const name of objectsOf(repository)) {
      const file = join(repository, name);
      for (let i = 0; i < count(1, 25); i += 1) {
        const bit = random.int(fs.statSync(file).size * 8);
        flipped(file, bit, () => {
          const found = finds(decoder, repository, name);
          // The time in config is for people: nothing authenticates it, and nothing depends on it.
          if (!found) assert.equal(name, 'config', `bit ${bit} of ${name} was not noticed`);
          if (/^(packs|index|backups)\//.test(name)) opensRight(decoder, repository, join(folder, 'out'));
        });
      }
    }
    assert.ok(opensRight(decoder, repository, join(folder, 'out')), 'it was the damage');
  });

  test(`${decoder.name}: a pack that is cut, and one that is gone, are named`, async (t) => {
    const { repository, folder } = await copyOf(t);
    for (const name of objectsOf(repository).filter((one) => one.startsWith('packs/'))) {
      const file = join(repository, name);
      const bytes = fs.readFileSync(file);
      for (const length of [0, 91, 92, bytes.length - 8, bytes.length - 1]) {
        fs.writeFileSync(file, bytes.subarray(0, length));
        assert.ok(finds(decoder, repository, name), `${name} cut to ${length}`);
      }
      fs.rmSync(file);
      const run = decoder.run(['check', repository], KEY);
      assert.equal(run.status, 4);
      assert.match(run.stdout, /is in no pack/);
      opensRight(decoder, repository, join(folder, 'out'));
      fs.writeFileSync(file, bytes);
    }
  });

  test(`${decoder.name}: without any index the packs tell themselves what they hold`, async (t) => {
    const { repository, folder } = await copyOf(t);
    fs.rmSync(join(repository, 'index'), { recursive: true });
    assert.ok(opensRight(decoder, repository, join(folder, 'out')));
  });

  test(`${decoder.name}: --keep-going brings back all that is whole, names the rest, and never calls it success`, async (t) => {
    const { repository, folder } = await copyOf(t);
    const target = join(folder, 'out');
    const packs = objectsOf(repository).filter((name) => name.startsWith('packs/'));
    const sizes = packs.map((name) => fs.statSync(join(repository, name)).size);
    const largest = join(repository, packs[sizes.indexOf(Math.max(...sizes))]!);
    const whole = new Map(NEWEST!.entries.map((entry) => [entry.path, entry]));
    const all = NEWEST!.entries.filter(({ type }) => type === 'file').length;
    const random = seededRandom('keep going');
    // A flip may hit what nothing needs, or the list of the files itself: then nothing comes back. Most hit some of the files.
    let [some, most] = [0, 0];
    for (let i = 0; i < count(2, 30) || (most === 0 && i < 60); i += 1) {
      flipped(largest, 8 * 92 + random.int(8 * (Math.max(...sizes) - 2000)), () => {
        const run = decoder.run(['open', repository, NEWEST!.id, target, '--keep-going', '--json'], KEY);
        const { damaged } = JSON.parse(run.stdout) as { damaged: string[] };
        assert.equal(run.status, damaged.length > 0 ? 4 : 0, run.stderr);
        const there = describeTree(target).filter(({ type }) => type === 'file');
        for (const { path, sha256 } of there) assert.equal(sha256, whole.get(path)?.sha256, path);
        if (damaged.length > 0) {
          some += 1;
          most = Math.max(most, there.length);
        }
        assert.ok(damaged.length === 0 || there.length < all, 'what is named is not there');
        fs.rmSync(target, { recursive: true });
      });
    }
    assert.ok(some > 0 && most > 0, `${some} damaged runs, ${most} files at most`);
  });

  test(`${decoder.name}: a bundle that is cut, changed or longer is refused, and nothing appears`, async (t) => {
    const folder = await temporaryFolder(t);
    const random = seededRandom(`bundle damage, ${decoder.name}`);
    const bytes = fs.readFileSync(RECOVERY_BUNDLE);
    const file = join(folder, 'bundle');
    const target = join(folder, 'out');
    for (const changed of damagedBundles(bytes, random)) {
      fs.writeFileSync(file, changed);
      const run = decoder.run(['open-bundle', file, target], KEY);
      assert.ok(run.status === 4 || run.status === 5 || run.status === 1, `${run.status} ${run.stderr}`);
      assert.deepEqual(fs.readdirSync(folder), ['bundle']);
    }
    fs.writeFileSync(file, bytes);
    assert.equal(decoder.run(['open-bundle', file, target], KEY).status, 0, 'it was the damage');
  });
}

function* damagedBundles(bytes: Buffer, random: SeededRandom): Generator<Buffer> {
  for (const length of [0, 7, 11, 12, 500, 2 ** 20, bytes.length - 17, bytes.length - 1]) {
    if (length < bytes.length) yield bytes.subarray(0, length);
  }
  yield Buffer.concat([bytes, Buffer.of(0)]);
  yield Buffer.concat([bytes, bytes]);
  for (let i = 0; i < count(6, 300); i += 1) {
    const changed = Buffer.from(bytes);
    const bit = random.int(8 * (i % 2 === 0 ? bytes.length : 600));
    changed[bit >> 3]! ^= 1 << (bit & 7);
    yield changed;
  }
}
