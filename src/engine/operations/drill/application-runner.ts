/**
 * The first process inside the sandbox: starts an application or a command, asks it over HTTP, ends it with all its
 * children. Its task comes as one line on standard input, what happens goes out as lines of JSON. It ends with its input,
 * that is with the process that drills.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createConnection } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkHttp, request } from './http-check.ts';
import type { RunnerEvent, RunnerTask } from './runner-messages.ts';

const OUTPUT_KEPT = 4000;
const ASK_EVERY_MS = 100;
const END_TOLD_MS = 300;

const tell = (event: RunnerEvent) => process.stdout.write(`${JSON.stringify(event)}\n`);

let child: ChildProcess | null = null;

/** As the first process of a namespace its end is the end of all others. */
function end(code: number): never {
  killGroup('SIGKILL');
  process.exit(code);
}

function flushed(): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write('', () => resolve());
  });
}

interface Running {
  readonly output: () => string;
  readonly ended: Promise<string>;
  /** How it ended; null while it runs. */
  readonly ending: () => string | null;
}

function start({ command, folder, environment }: RunnerTask): Running {
  const started = spawn('/bin/sh', ['-c', command], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: environment,
    ...(folder === null ? {} : { cwd: folder }),
    detached: true,
  });
  child = started;
  let output = '';
  for (const stream of [started.stdout, started.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-OUTPUT_KEPT);
    });
  }
  let ending: string | null = null;
  const ended = new Promise<string>((resolve) => {
    const settle = (how: string) => {
      ending ??= how;
      resolve(ending);
    };
    started.once('error', (error) => settle(`could not be started: ${error.message}`));
    started.once('exit', (code, signal) => setTimeout(() => settle(signal ?? `exit code ${code}`), 50));
  });
  return { output: () => output.trim(), ended, ending: () => ending };
}

function killGroup(signal: NodeJS.Signals): void {
  if (!child?.pid) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // Gone already.
  }
}

async function stop(running: Running, stopTimeoutMs: number): Promise<void> {
  killGroup('SIGTERM');
  const isOver = await Promise.race([running.ended, sleep(stopTimeoutMs, null)]);
  killGroup('SIGKILL');
  if (isOver === null) await running.ended;
}

async function runCommand(command: Extract<RunnerTask, { kind: 'command' }>): Promise<void> {
  const running = start(command);
  const ending = await Promise.race([running.ended, sleep(command.timeoutMs, null)]);
  await stop(running, 1000);
  if (ending === 'exit code 0') tell({ event: 'passed', detail: 'exit code 0' });
  else {
    const how = ending ?? `took longer than ${command.timeoutMs} ms`;
    tell({ event: 'failed', detail: withOutput(how, running.output()) });
  }
}

const withOutput = (how: string, output: string) => (output === '' ? how : `${how}: ${output.slice(-600)}`);

async function runApplication(application: Extract<RunnerTask, { kind: 'application' }>): Promise<void> {
  const { port, startTimeoutMs, stopTimeoutMs } = application;
  if (await listens(port))
    throw new Error(`something answers on port ${port} already, which is not what was restored`);
  const running = start(application);
  const failure = await untilAnswering(application, running, performance.now() + startTimeoutMs);
  if (failure !== null) {
    await stop(running, stopTimeoutMs);
    tell({ event: 'failed', detail: withOutput(failure, running.output()) });
    return;
  }
  tell({ event: 'answered' });
  const saved = new Map<string, string>();
  const cookies = new Map<string, string>();
  for (const [index, check] of application.http.entries()) {
    const started = performance.now();
    const difference = await checkHttp(check, port, saved, cookies);
    const durationMs = Math.round(performance.now() - started);
    const detail = difference ?? `${check.status}, as expected`;
    tell({ event: 'http', index, isGreen: difference === null, detail, durationMs });
    // Its end may be told a moment after its connections broke.
    if (difference !== null) await Promise.race([running.ended, sleep(END_TOLD_MS)]);
    if (running.ending() !== null) break;
  }
  const ending = running.ending();
  await stop(running, stopTimeoutMs);
  if (ending !== null) tell({ event: 'ended', detail: withOutput(ending, running.output()) });
  tell({ event: 'done' });
}

/** Null once it answers with anything below 500, else why it does not. */
async function untilAnswering(
  { port, answersAt, startTimeoutMs }: Extract<RunnerTask, { kind: 'application' }>,
  running: Running,
  deadline: number,
): Promise<string | null> {
  let last = 'nothing listens';
  while (performance.now() < deadline) {
    const ending = running.ending();
    if (ending !== null) return `it ended before it answered, ${ending}`;
    try {
      const left = Math.max(1, deadline - performance.now());
      const { status } = await request({
        port,
        path: answersAt,
        method: 'GET',
        headers: {},
        body: null,
        timeoutMs: left,
      });
      if (status < 500) return null;
      last = `status ${status}`;
    } catch (error) {
      last = (error as Error).message;
    }
    await Promise.race([sleep(ASK_EVERY_MS), running.ended]);
  }
  return `it did not answer at ${answersAt} within ${startTimeoutMs} ms (${last})`;
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

const lines = createInterface({ input: process.stdin });
const { value } = await lines[Symbol.asyncIterator]().next();
if (value === undefined) process.exit(1);
process.stdin.resume();
process.stdin.once('end', () => end(1));
const task = JSON.parse(value as string) as RunnerTask;
try {
  if (task.kind === 'command') await runCommand(task);
  else await runApplication(task);
} catch (error) {
  tell({ event: 'failed', detail: (error as Error).message });
}
await flushed();
end(0);
