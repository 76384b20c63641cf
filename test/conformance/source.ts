/** The one suite every source runs: a new source's test is a few lines. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { codeOf, type ErrorCode } from '../../src/engine/base/errors.ts';
import { silentProgress } from '../../src/engine/base/progress.ts';
import type { Artifact, Facts, Source, SourceContext } from '../../src/engine/sources/port.ts';
import { openResources, releasedResources } from '../support/open-resources.ts';
import { digestSink, type SinkHooks } from '../support/source-sinks.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

export interface SourceCase {
  /** Writes at least two times, and not all at once: give it a few megabytes. */
  readonly source: Source;
  /** The same kind, pointing at nothing; fails with this code while opening or producing. */
  readonly missing: { readonly source: Source; readonly code: ErrorCode };
  /** Two runs over unchanged input give equal bytes. */
  readonly isRepeatable: boolean;
}

export type MakeSource = (t: TestContext) => Promise<SourceCase>;

export interface SourceCheck {
  readonly name: string;
  run(one: SourceCase, scratchFolder: string): Promise<void>;
}

/** Registers the suite. `make` is called anew for each test. */
export function sourceConformance(name: string, make: MakeSource): void {
  describe(`${name} keeps the promises of a source`, () => {
    for (const check of SOURCE_CHECKS) {
      test(check.name, async (t) => runCheck(check, await make(t), await temporaryFolder(t)));
    }
  });
}

/** Runs one check, and then whether everything was given back. */
export async function runCheck(check: SourceCheck, one: SourceCase, folder: string): Promise<void> {
  const scratchFolder = join(folder, 'scratch');
  await mkdir(scratchFolder, { mode: 0o700 });
  const before = openResources();
  await check.run(one, scratchFolder);
  assert.deepEqual(await readdir(scratchFolder), [], 'the scratch folder is empty after close');
  assert.deepEqual(await releasedResources(before), [], 'nothing stays open after close');
}

interface Produced {
  readonly name: string;
  readonly sha256: string;
  readonly writes: number;
  readonly facts: Facts;
}

interface RunOptions extends SinkHooks {
  readonly signal?: AbortSignal;
}

/** A whole life. Closes whatever happens. */
async function runSource(source: Source, scratchFolder: string, options: RunOptions = {}) {
  const session = await source.open(contextOf(scratchFolder, options.signal));
  try {
    const produced: Produced[] = [];
    for (const artifact of session.artifacts) produced.push(await produce(artifact, options));
    return produced;
  } finally {
    await session.close();
  }
}

const contextOf = (scratchFolder: string, signal = new AbortController().signal): SourceContext => ({
  progress: silentProgress,
  signal,
  scratchFolder,
});

async function produce(artifact: Artifact, hooks: SinkHooks): Promise<Produced> {
  const hash = createHash('sha256');
  const sink = digestSink(hash, hooks);
  const facts =
    artifact.form === 'stream'
      ? await artifact.produce(sink.stream)
      : (await artifact.produce(sink.tree, null)).facts;
  assert.equal(sink.isWaiting(), false, 'produce resolves only after the last write did');
  return { name: artifact.name, sha256: hash.digest('hex'), writes: sink.writes(), facts };
}

const bytesOf = (produced: readonly Produced[]) => produced.map(({ name, sha256 }) => ({ name, sha256 }));

export const SOURCE_CHECKS: readonly SourceCheck[] = [
  {
    name: 'lives from open to close, with facts that are plain JSON',
    async run({ source }, scratchFolder) {
      const session = await source.open(contextOf(scratchFolder));
      try {
        const { estimatedBytes, artifacts } = session;
        assert.ok(estimatedBytes === null || estimatedBytes >= 0);
        const names = artifacts.map(({ name }) => name);
        assert.ok(
          names.length > 0 && new Set(names).size === names.length,
          'artifacts have names of their own',
        );
        for (const artifact of artifacts) {
          assert.match(artifact.name, /^[^/\0]+$/);
          const { facts } = await produce(artifact, {});
          assert.deepEqual(JSON.parse(JSON.stringify(facts)), facts);
        }
      } finally {
        await session.close();
      }
    },
  },
  {
    name: 'closes twice, also when nothing was produced',
    async run({ source }, scratchFolder) {
      const session = await source.open(contextOf(scratchFolder));
      await session.close();
      await session.close();
    },
  },
  {
    name: 'names what is missing',
    async run({ missing }, scratchFolder) {
      await assert.rejects(runSource(missing.source, scratchFolder), (error) => {
        assert.equal(codeOf(error), missing.code, String(error));
        return true;
      });
    },
  },
  {
    name: 'gives equal bytes for unchanged input, where it promises so',
    async run({ source, isRepeatable }, scratchFolder) {
      const first = await runSource(source, scratchFolder);
      assert.ok(
        first.some(({ writes }) => writes >= 2),
        'the source is large enough for the other checks',
      );
      if (isRepeatable) assert.deepEqual(bytesOf(await runSource(source, scratchFolder)), bytesOf(first));
    },
  },
  {
    name: 'waits for a slow sink',
    async run({ source }, scratchFolder) {
      const onWrite = async (count: number) => {
        if (count <= 50) await sleep(2);
      };
      await runSource(source, scratchFolder, { onWrite });
    },
  },
  {
    name: 'stops in the middle when aborted',
    async run({ source }, scratchFolder) {
      const abort = new AbortController();
      const onWrite = async () => abort.abort();
      const run = runSource(source, scratchFolder, { signal: abort.signal, onWrite });
      await assert.rejects(run, (error) => {
        assert.equal(codeOf(error), 'interrupted', String(error));
        return true;
      });
    },
  },
  {
    name: 'does nothing when aborted beforehand',
    async run({ source }, scratchFolder) {
      const run = runSource(source, scratchFolder, { signal: AbortSignal.abort() });
      await assert.rejects(run, (error) => {
        assert.equal(codeOf(error), 'interrupted', String(error));
        return true;
      });
    },
  },
  {
    name: 'ends with the error of a failing sink',
    async run({ source }, scratchFolder) {
      const failure = new Error('the sink failed');
      const onWrite = async () => {
        throw failure;
      };
      await assert.rejects(runSource(source, scratchFolder, { onWrite }), (error) => error === failure);
    },
  },
];
