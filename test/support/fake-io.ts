import type { Cli, CliIo } from '../../src/cli/cli.ts';

export interface FakeIo extends CliIo {
  /** Everything written so far. */
  readonly written: { stdout: string; stderr: string };
}

/** A command line without a process: what is written is kept, time stands still. */
export function fakeIo(more: Partial<CliIo> = {}): FakeIo {
  const written = { stdout: '', stderr: '' };
  return {
    written,
    stdout: async (text) => {
      written.stdout += text;
    },
    stderr: (text) => {
      written.stderr += text;
    },
    columns: () => null,
    environment: {},
    folder: '/srv/app',
    userFolder: '/home/op',
    nowMs: () => Date.parse('2026-11-21T12:00:00Z'),
    loadEngine: async () => {
      throw new Error('this test has no engine');
    },
    ...more,
  };
}

export function fakeCli(io: CliIo, more: Partial<Cli> = {}): Cli {
  return {
    io,
    json: false,
    signal: new AbortController().signal,
    options: {},
    note: (text) => io.stderr(`${text}\n`),
    ...more,
  };
}
