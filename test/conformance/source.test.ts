/** The suite's own control: each source here breaks one promise, and the check for that promise must notice. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { type FileHandle, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { HoldfastError } from '../../src/engine/base/errors.ts';
import type { ByteSink, Facts, Source, SourceContext } from '../../src/engine/sources/port.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { runCheck, SOURCE_CHECKS, type SourceCase } from './source.ts';

interface Behaviour {
  readonly produce?: (sink: ByteSink, context: SourceContext) => Promise<Facts>;
  readonly open?: (context: SourceContext) => Promise<void>;
  readonly close?: () => Promise<void>;
}

const GOOD_BYTES = Buffer.from('some bytes');

async function wellBehaved(sink: ByteSink, { signal }: SourceContext): Promise<Facts> {
  for (let i = 0; i < 3; i += 1) {
    if (signal.aborted) throw new HoldfastError('interrupted');
    await sink.write(GOOD_BYTES);
  }
  if (signal.aborted) throw new HoldfastError('interrupted');
  return { rows: 3 };
}

function sourceThat(behaviour: Behaviour): Source {
  return {
    kind: 'command',
    name: 'control',
    async open(context) {
      await behaviour.open?.(context);
      return {
        estimatedBytes: null,
        artifacts: [
          {
            form: 'stream',
            name: 'control',
            kind: 'command',
            chunking: { method: 'content', profile: 'dump' },
            produce: (sink) => (behaviour.produce ?? wellBehaved)(sink, context),
          },
        ],
        close: behaviour.close ?? (async () => {}),
      };
    },
  };
}

const missing = {
  code: 'source_missing' as const,
  source: sourceThat({
    async open() {
      throw new HoldfastError('source_missing');
    },
  }),
};
const caseOf = (source: Source): SourceCase => ({ source, missing, isRepeatable: true });

const checkNamed = (name: string) => SOURCE_CHECKS.find((check) => check.name.startsWith(name))!;

describe('the suite for sources', () => {
  for (const check of SOURCE_CHECKS) {
    test(`passes a source that ${check.name}`, async (t) => {
      await runCheck(check, caseOf(sourceThat({})), await temporaryFolder(t));
    });
  }

  const broken: [what: string, check: string, behaviour: Behaviour][] = [
    ['gives facts that are not JSON', 'lives', { produce: async () => ({ at: new Date() }) as never }],
    [
      'leaves a file behind',
      'lives',
      { open: ({ scratchFolder }) => writeFile(join(scratchFolder, 'left'), '') },
    ],
    ['fails when closed again', 'closes twice', { close: failingSecondTime() }],
    ['swallows what is missing', 'names', {}],
    ['gives other bytes each time', 'gives equal', { produce: (sink) => counting(sink) }],
    ['writes without waiting', 'waits', { produce: impatient }],
    ['goes on after an abort', 'stops in', { produce: heedless }],
    ['ignores an abort beforehand', 'does nothing', { produce: heedless }],
    ['hides the failure of a sink', 'ends with', { produce: careless }],
  ];
  for (const [what, name, behaviour] of broken) {
    test(`catches a source that ${what}`, async (t) => {
      const good = caseOf(sourceThat(behaviour));
      const one = name === 'names' ? { ...good, missing: { ...missing, source: good.source } } : good;
      await assert.rejects(runCheck(checkNamed(name), one, await temporaryFolder(t)), assert.AssertionError);
    });
  }

  test('catches a source that leaves a child process or a descriptor', async (t) => {
    let child: ChildProcess | undefined;
    let file: FileHandle | undefined;
    t.after(async () => {
      child?.kill('SIGKILL');
      await file?.close();
    });
    const leaks: (() => Promise<void>)[] = [
      async () => {
        child = spawn('sleep', ['3600'], { stdio: 'ignore' });
      },
      async () => {
        file = await open(import.meta.filename, 'r');
      },
    ];
    for (const leak of leaks) {
      const run = runCheck(checkNamed('lives'), caseOf(sourceThat({ open: leak })), await temporaryFolder(t));
      await assert.rejects(run, /nothing stays open/);
    }
  });
});

function failingSecondTime(): () => Promise<void> {
  let closed = 0;
  return async () => {
    closed += 1;
    assert.equal(closed, 1, 'closed again');
  };
}

let runs = 0;
async function counting(sink: ByteSink): Promise<Facts> {
  runs += 1;
  for (const text of ['run', String(runs)]) await sink.write(Buffer.from(text));
  return {};
}

async function impatient(sink: ByteSink): Promise<Facts> {
  const writes = [1, 2, 3].map(async () => sink.write(GOOD_BYTES));
  await Promise.all(writes);
  return {};
}

async function heedless(sink: ByteSink): Promise<Facts> {
  for (let i = 0; i < 3; i += 1) await sink.write(GOOD_BYTES);
  return {};
}

async function careless(sink: ByteSink): Promise<Facts> {
  await Promise.resolve(sink.write(GOOD_BYTES)).catch(() => {});
  return {};
}
