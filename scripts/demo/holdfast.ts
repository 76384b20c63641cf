import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../../bin/holdfast.js', import.meta.url));

export interface Answer {
  readonly exitCode: number;
  /** The one JSON document on standard output. */
  readonly json: Record<string, unknown>;
}

/** Runs the real program with `--json`, showing the command line. */
export async function holdfast(home: string, shown: readonly string[]): Promise<Answer> {
  console.log(`  $ holdfast ${shown.map((arg) => arg.replace(home, '…')).join(' ')}`);
  const child = spawn(process.execPath, [PROGRAM, ...shown, '--json'], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, HOLDFAST_HOME: home },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  let messages = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  child.stderr.setEncoding('utf8').on('data', (part: string) => {
    messages += part;
  });
  const [exitCode] = (await once(child, 'close')) as [number];
  if (text.trim() === '') throw new Error(`holdfast ${shown[0]} gave no answer: ${messages}`);
  return { exitCode, json: JSON.parse(text) as Record<string, unknown> };
}

/** The same, for a command that must succeed. */
export async function succeed(home: string, args: readonly string[]): Promise<Record<string, unknown>> {
  const { exitCode, json } = await holdfast(home, args);
  if (exitCode !== 0) throw new Error(`holdfast ${args[0]} ended with ${exitCode}: ${JSON.stringify(json)}`);
  return json;
}
