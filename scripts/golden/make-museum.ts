/**
 * Makes the museum of damage below test/golden: one frozen repository of format version 1, and one for each
 * defect. Run it once for a format version and commit the result; never run it again for a released one, since that the
 * old bytes stay readable is what the museum is for.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generateKeyText, parseKeyText } from '../../src/engine/crypto/key-text.ts';
import { newSigningKey } from '../../src/engine/crypto/signing.ts';
import { createRepository, type Repository } from '../../src/engine/repository/repository.ts';
import { memoryStorage } from '../../src/engine/storage/memory-storage.ts';
import type { Storage } from '../../src/engine/storage/port.ts';
import { makeBackup, restoreBackup } from '../../test/support/backup-fixture.ts';
import { clockedStorage } from '../../test/support/clocked-storage.ts';
import { fakeClock } from '../../test/support/fake-clock.ts';
import type { Exhibit, Museum } from '../../test/support/frozen-repository.ts';
import { DEFECTS, type Original } from './defects.ts';

const golden = resolve(dirname(fileURLToPath(import.meta.url)), '../../test/golden');

async function original(): Promise<Original> {
  const clock = fakeClock(Date.parse('2026-01-05T03:00:00.000Z'));
  const storage = clockedStorage(memoryStorage(), clock);
  const keyText = generateKeyText();
  const credential = parseKeyText(keyText);
  const signingKey = newSigningKey();
  const repository = await createRepository({ storage, clock, credential, label: 'museum', signingKey });
  const shared = randomBytes(3000);
  const packOf = async (work: () => Promise<{ id: string }>) => {
    const before = await namesOf(storage, 'packs/');
    const { id } = await work();
    clock.advance(86_400_000);
    const [pack] = (await namesOf(storage, 'packs/')).filter((name) => !before.includes(name));
    return { id, pack: pack! };
  };
  const first = await packOf(() =>
    makeBackup(repository, {
      streams: { 'app.sqlite': shared },
      trees: { uploads: { 'a.txt': randomBytes(400), 'b/c.bin': randomBytes(900), empty: Buffer.alloc(0) } },
    }),
  );
  await repository.rotateEpoch({ credentials: [{ credential, label: 'museum, second epoch' }] });
  const second = await packOf(() =>
    makeBackup(repository, { streams: { 'app.sqlite': shared, 'db.dump': Buffer.alloc(5000, 'row\n') } }),
  );
  const third = await packOf(() =>
    makeBackup(repository, { streams: { 'db.dump': randomBytes(700) } }, { draft: { tenantId: 'acme' } }),
  );
  await repository.manifests.archive((await repository.manifests.resolve(third.id)).ref);
  await repository.holds.place(first.id, 'first of the museum');
  return { storage, clock, keyText, credential, signingKey, repository, first, second, third };
}

async function namesOf(storage: Storage, prefix = ''): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of storage.list(prefix)) names.push(name);
  return names;
}

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const hashed = (parts: { readonly [name: string]: Buffer }) =>
  Object.fromEntries(Object.entries(parts).map(([name, bytes]) => [name, sha256(bytes)]));

async function backupsOf(repository: Repository): Promise<Museum['backups']> {
  const backups = [];
  for (const state of ['backups', 'archived'] as const) {
    for await (const { manifest } of repository.manifests.readAll({ state })) {
      const { streams, trees } = await restoreBackup(repository, manifest);
      const hashedTrees = Object.fromEntries(
        Object.entries(trees).map(([name, files]) => [name, hashed(files)]),
      );
      backups.push({ id: manifest.id, state, streams: hashed(streams), trees: hashedTrees });
    }
  }
  return backups;
}

async function freeze(storage: Storage, folder: string): Promise<void> {
  await rm(join(golden, folder), { recursive: true, force: true });
  for (const name of await namesOf(storage)) {
    const file = join(golden, folder, name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, await storage.get(name));
  }
}

async function copyOf(storage: Storage): Promise<Storage> {
  const copy = memoryStorage();
  for (const name of await namesOf(storage)) await copy.put(name, await storage.get(name));
  return copy;
}

const made = await original();
const exhibits: Exhibit[] = [{ folder: 'repository-v1', defect: 'none' }];
await freeze(made.storage, 'repository-v1');
for (const [folder, { defect, damage }] of Object.entries(DEFECTS)) {
  const storage = await copyOf(made.storage);
  const shows = await damage(storage, made);
  await freeze(storage, `museum/${folder}`);
  exhibits.push({ folder: `museum/${folder}`, defect, ...shows });
}
const museum: Museum = { keyText: made.keyText, backups: await backupsOf(made.repository), exhibits };
await writeFile(join(golden, 'museum.json'), `${JSON.stringify(museum, null, 2)}\n`);
console.log(`${exhibits.length} repositories below ${golden}`);
