import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openResources, releasedResources } from '../../../../test/support/open-resources.ts';
import { memoryArtifact, memoryReader } from '../../../../test/support/stream-artifacts.ts';
import { temporaryFolder } from '../../../../test/support/temporary-folder.ts';
import { codeOf, HoldfastError } from '../../base/errors.ts';
import type { ArtifactReader } from '../port.ts';
import { restoreCommand } from './restore-command.ts';

const BYTES = Buffer.alloc(3_000_000, 'holdfast');
const { content } = memoryArtifact('output', 'command', BYTES);
const reader = memoryReader();

/** Reads one piece, and then does what `afterwards` does. */
const readerThat = (afterwards: () => Promise<void>): ArtifactReader => ({
  ...reader,
  async *read() {
    yield BYTES.subarray(0, 100_000);
    await afterwards();
    yield BYTES.subarray(100_000);
  },
});

describe('restoring into a command', () => {
  test('feeds every byte', async (t) => {
    const file = join(await temporaryFolder(t), 'out');
    await restoreCommand({ reader, content, command: ['tee', file] });
    assert.ok(readFileSync(file).equals(BYTES));
  });

  test('fails with what the command says, whether or not it read its input', async () => {
    for (const command of ['cat > /dev/null; echo broken >&2; exit 4', 'echo broken >&2; exit 4']) {
      await assert.rejects(restoreCommand({ reader, content, command }), (error) => {
        assert.equal(codeOf(error), 'command_failed');
        assert.match((error as Error).message, /code 4: broken/);
        return true;
      });
    }
  });

  test('lets a command stop reading when it has what it needs', async () => {
    await restoreCommand({ reader, content, command: 'head -c 10 > /dev/null' });
  });

  test('never lets a command take a part for the whole', async (t) => {
    const before = openResources();
    const folder = await temporaryFolder(t);
    const [part, done] = [join(folder, 'part'), join(folder, 'done')];
    const command = `trap "" TERM; cat > ${part}; touch ${done}`;
    const reading = async () => {
      for (let look = 0; !existsSync(part) && look < 30_000; look += 1) await sleep(10);
      rmSync(part);
    };
    const damaged = readerThat(async () => {
      await reading();
      throw new HoldfastError('object_damaged');
    });
    const run = restoreCommand({ reader: damaged, content, command });
    await assert.rejects(run, (error) => codeOf(error) === 'object_damaged');
    const abort = new AbortController();
    const aborting = readerThat(async () => {
      await reading();
      abort.abort();
    });
    const options = { reader: aborting, content, command, graceMs: 100, signal: abort.signal };
    await assert.rejects(restoreCommand(options), (error) => codeOf(error) === 'interrupted');
    assert.deepEqual(await releasedResources(before), []);
    assert.equal(existsSync(done), false);

    // The control: closing the input first, as a plain pipeline does, lets the command finish its part.
    const child = spawn('/bin/sh', ['-c', command], { stdio: ['pipe', 'ignore', 'ignore'] });
    await assert.rejects(pipeline(damaged.read(content), child.stdin!));
    await once(child, 'close');
    assert.equal(existsSync(done), true);
  });
});
