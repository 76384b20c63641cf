import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { sourceConformance } from '../../../../test/conformance/source.ts';
import { runSource, sourceContext } from '../../../../test/support/stream-artifacts.ts';
import { temporaryFolder } from '../../../../test/support/temporary-folder.ts';
import { codeOf } from '../../base/errors.ts';
import { silentProgress } from '../../base/progress.ts';
import { type CommandOptions, commandSource } from './command-source.ts';

const source = (command: CommandOptions['command'], options: Partial<CommandOptions> = {}) =>
  commandSource({ name: 'command', artifactName: 'output', command, ...options });

const outputOf = async (command: CommandOptions['command'], options: Partial<CommandOptions> = {}) =>
  (await runSource(source(command, options), sourceContext('/nonexistent')))[0]!;

const failing = (pattern: RegExp) => (error: unknown) => {
  assert.equal(codeOf(error), 'command_failed', String(error));
  assert.match((error as Error).message, pattern);
  return true;
};

const isAlive = (pid: number) => {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]![0] !== 'Z';
  } catch {
    return false;
  }
};

sourceConformance('command', async () => ({
  source: source('head -c 3000000 /dev/zero; echo end'),
  missing: { source: source(['/nonexistent/program']), code: 'command_failed' },
  isRepeatable: true,
}));

describe('a command as a source', () => {
  test('gives what it prints, byte for byte, from a list or a text', async () => {
    const bytes = (await outputOf(['printf', '\\377\\000%s', '$HOME `id`'])).bytes;
    assert.deepEqual(bytes, Buffer.from([0xff, 0, ...Buffer.from('$HOME `id`')]));
    assert.equal((await outputOf('echo one; echo two')).bytes.toString(), 'one\ntwo\n');
  });

  test('passes on nothing of this environment but PATH, HOME, LANG and what is configured', async (t) => {
    process.env.BACKUP_ENCRYPTION_KEY = 'secret';
    t.after(() => delete process.env.BACKUP_ENCRYPTION_KEY);
    const { bytes } = await outputOf(['env'], { environment: { TOKEN: 'x' } });
    const names = bytes
      .toString()
      .trim()
      .split('\n')
      .map((line) => line.split('=')[0]);
    assert.deepEqual(names.sort(), ['HOME', 'LANG', 'PATH', 'TOKEN']);
  });

  test('fails with the end of its messages, however long they are', async () => {
    const command = 'echo part; for i in $(seq 20000); do echo "line $i" >&2; done; exit 3';
    await assert.rejects(outputOf(command), (error) => {
      assert.ok((error as Error).message.length < 5000);
      return failing(/ended with code 3: .*line 20000$/s)(error);
    });
  });

  test('fails when killed by a signal, when it cannot be started, and when it is empty', async () => {
    await assert.rejects(outputOf('echo part; kill -9 $$'), failing(/SIGKILL/));
    await assert.rejects(outputOf(['/nonexistent/program']), failing(/cannot be started/));
    await assert.rejects(outputOf(' '), (error) => codeOf(error) === 'usage');
  });

  test('fails when any part of a pipe failed', async () => {
    await assert.rejects(outputOf('(echo part; exit 7) | cat'), failing(/code 7/));
  });

  test('fails when it takes too long, also when it ignores SIGTERM', async () => {
    const options = { timeoutMs: 200, graceMs: 100 };
    await assert.rejects(
      outputOf('trap "" TERM; echo part; sleep 60', options),
      failing(/longer than 200 ms/),
    );
  });

  test('takes everything it started with it', async (t) => {
    const folder = await temporaryFolder(t);
    const abort = new AbortController();
    const pidFile = join(folder, 'pid');
    const command = `sh -c 'trap "" TERM; echo $$ > ${pidFile}; echo part; sleep 60; true' & wait`;
    const session = await source(command, { graceMs: 100 }).open(sourceContext(folder, abort.signal));
    const [artifact] = session.artifacts;
    assert.ok(artifact?.form === 'stream');
    const write = async () => abort.abort();
    await assert.rejects(artifact.produce({ write, cut() {} }), (error) => codeOf(error) === 'interrupted');
    await session.close();
    const pid = Number(readFileSync(pidFile, 'utf8'));
    for (let look = 0; isAlive(pid) && look < 6000; look += 1) await sleep(20);
    assert.equal(isAlive(pid), false);
  });

  test('warns of an empty output, and keeps the restore command as a fact', async () => {
    const warnings: string[] = [];
    const progress = { ...silentProgress, warn: (message: string) => void warnings.push(message) };
    const context = { ...sourceContext('/nonexistent'), progress };
    const [artifact] = await runSource(source('true', { restoreCommand: 'load' }), context);
    assert.deepEqual(artifact!.facts, { restoreCommand: 'load' });
    assert.match(warnings[0]!, /wrote nothing/);
  });
});
