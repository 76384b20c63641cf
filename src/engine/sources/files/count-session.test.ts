/** A first backup learns how much there is while it runs; a later one has the size of the one before. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { temporaryFolder } from '../../../../test/support/temporary-folder.ts';
import type { TreeArtifact, TreeEntry, TreeSink } from '../port.ts';
import { filesSource } from './files-source.ts';

/** More than the walk hands over ahead, so that it has to wait: then it counts. */
const MANY = 9728;

async function sessionOf(t: TestContext, many: number, estimate: (total: { bytes: number }) => void) {
  const folder = await temporaryFolder(t);
  const roots = ['many', 'other'].map((name) => join(folder, name));
  for (const root of roots) await mkdir(root);
  for (let i = 0; i < many; i += 256) {
    await Promise.all(
      Array.from({ length: 256 }, (_, n) => writeFile(join(roots[0]!, `${i + n}`), '0123456789')),
    );
  }
  await writeFile(join(roots[1]!, 'a'), 'x'.repeat(300));
  const session = await filesSource({ name: 'files', roots }).open({
    progress: { phase() {}, advance() {}, warn() {}, estimate },
    ...{ signal: t.signal, scratchFolder: folder },
  });
  t.after(() => session.close());
  return { session, artifacts: session.artifacts as readonly TreeArtifact[] };
}

const sinkThat = (add: (entry: TreeEntry) => void | Promise<void>): TreeSink => ({
  ...{ add, canReuse: () => false, begin() {}, write() {}, commit() {}, abort() {} },
});

test('a first backup is told about how much all roots hold, while the walk waits for it', async (t) => {
  const told = Promise.withResolvers<number>();
  const { artifacts } = await sessionOf(t, MANY, ({ bytes }) => told.resolve(bytes));
  let folders = 0;
  const sink = sinkThat(async () => {
    folders += 1;
    // The first entry is taken only once the total is known: it has to come before anything is read.
    if (folders === 1) assert.equal(await told.promise, MANY * 10 + 300);
  });
  for (const artifact of artifacts) await artifact.produce(sink, null);
  assert.equal(folders, 2);
});

test('with a backup before, nothing is counted', async (t) => {
  const told: number[] = [];
  const { artifacts } = await sessionOf(t, 256, ({ bytes }) => told.push(bytes));
  // Time enough to be told by mistake.
  const sink = sinkThat((entry) => (entry.path.length === 0 ? setTimeout(100) : undefined));
  async function* nothing(): AsyncGenerator<TreeEntry> {}
  for (const artifact of artifacts) await artifact.produce(sink, nothing());
  assert.deepEqual(told, []);
});
