/** Applications and commands against the restored state, inside the sandbox. */
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { HoldfastError } from '../../base/errors.ts';
import { scriptBeside } from '../../base/script-beside.ts';
import type { SourceSpec } from '../source-spec.ts';
import { DRILL_MARK, type DrillFolder } from './drill-folder.ts';
import type { ApplicationCheck, CheckResult, CommandCheck } from './drill-types.ts';
import { refuseProduction } from './never-production.ts';
import type { PhaseClock } from './phase-clock.ts';
import { endProcessesOf } from './process-identity.ts';
import type { RunnerEvent, RunnerTask } from './runner-messages.ts';
import type { Sandbox } from './sandbox.ts';

export interface Stage {
  readonly sandbox: Sandbox;
  readonly folder: DrillFolder;
  /** Addresses and paths of what was restored, as variables. */
  readonly environment: Readonly<Record<string, string>>;
  /** What `{NAME}` stands for. */
  readonly places: ReadonlyMap<string, string>;
  /** What must not be touched. */
  readonly sources: readonly SourceSpec[];
  readonly clock: PhaseClock;
  readonly signal: AbortSignal;
}

const RUNNER = fileURLToPath(scriptBeside(import.meta.url, 'application-runner'));
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export async function checkCommand(check: CommandCheck, stage: Stage): Promise<CheckResult[]> {
  stage.clock.enter('checks');
  const started = performance.now();
  const result = (status: CheckResult['status'], detail: string): CheckResult[] => [
    { name: check.name, kind: 'command', status, detail, durationMs: since(started) },
  ];
  const task = taskOf(check, stage, {});
  if (typeof task === 'string') return result('red', task);
  const events = await run({ ...task, kind: 'command', timeoutMs: check.timeoutMs }, stage, () => {});
  const last = events.find(({ event }) => event === 'passed' || event === 'failed');
  if (last?.event === 'passed') return result('green', last.detail);
  return result('red', last?.event === 'failed' ? last.detail : 'its runner ended without an answer');
}

/** Starts it, waits until it answers, asks it, and ends it with everything it started. */
export async function checkApplication(check: ApplicationCheck, stage: Stage): Promise<CheckResult[]> {
  const { clock } = stage;
  clock.enter('application');
  const started = performance.now();
  let answeredMs: number | null = null;
  const port = check.port ?? (await freePort());
  const first = (status: CheckResult['status'], detail: string): CheckResult => ({
    ...{ name: `${check.name} starts`, kind: 'application', status, detail },
    durationMs: answeredMs ?? since(started),
  });
  const unasked = () =>
    check.http.map((http) =>
      resultOf(check, http.name, 'red', 'not asked: the application did not start', 0),
    );
  const task = taskOf(check, stage, { PORT: String(port) });
  if (typeof task === 'string') return [first('red', task), ...unasked()];
  const { answersAt, startTimeoutMs, stopTimeoutMs, http } = check;
  const events = await run(
    { ...task, kind: 'application', port, answersAt, startTimeoutMs, stopTimeoutMs, http },
    stage,
    ({ event }) => {
      if (event !== 'answered') return;
      answeredMs = since(started);
      clock.enter('checks');
    },
  );
  clock.enter('checks');
  const failure = events.find((one) => one.event === 'failed');
  if (answeredMs === null) {
    return [
      first('red', failure?.event === 'failed' ? failure.detail : 'its runner ended without an answer'),
      ...unasked(),
    ];
  }
  const ended = events.find((one) => one.event === 'ended');
  const answers = check.http.map(({ name }, index) => {
    const found = events.find((one) => one.event === 'http' && one.index === index);
    if (found?.event !== 'http')
      return resultOf(check, name, 'red', 'not asked: the application had ended', 0);
    return resultOf(check, name, found.isGreen ? 'green' : 'red', found.detail, found.durationMs);
  });
  if (ended?.event === 'ended')
    return [first('red', `it ended while it was asked, ${ended.detail}`), ...answers];
  return [first('green', `answers after ${answeredMs} ms`), ...answers];
}

const since = (started: number) => Math.round(performance.now() - started);

function resultOf(
  check: ApplicationCheck,
  name: string,
  status: CheckResult['status'],
  detail: string,
  durationMs: number,
): CheckResult {
  return { name: `${check.name}: ${name}`, kind: 'http', status, detail, durationMs };
}

type Started = Pick<RunnerTask, 'command' | 'folder' | 'environment'>;

/** A text when it must not be started. */
function taskOf(
  { command, folder, environment }: ApplicationCheck | CommandCheck,
  stage: Stage,
  more: Readonly<Record<string, string>>,
): Started | string {
  const places = new Map([
    ...stage.places,
    ...Object.entries(more).map(([name, value]) => [name.toLowerCase(), value] as const),
  ]);
  const filled = (text: string) =>
    text.replace(/\{([A-Za-z0-9._-]+)\}/g, (whole, name) => places.get(name) ?? whole);
  const given = Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, filled(value)]));
  const refusal = refuseProduction({ command: filled(command), environment: given }, stage.sources);
  if (refusal !== null) return refusal;
  return {
    command: filled(command),
    folder,
    environment: {
      ...{ PATH, LANG: 'C.UTF-8', HOME: stage.folder.homeFolder, TMPDIR: stage.folder.homeFolder },
      ...stage.environment,
      ...more,
      ...given,
      ...marksOf(stage),
    },
  };
}

async function run(
  task: RunnerTask,
  stage: Stage,
  onEvent: (event: RunnerEvent) => void,
): Promise<RunnerEvent[]> {
  const { sandbox, folder, signal } = stage;
  const [program, ...args] = sandbox.wrap([
    process.execPath,
    '--disable-warning=ExperimentalWarning',
    RUNNER,
  ]);
  const child = spawn(program!, args, {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { PATH, LANG: 'C.UTF-8', HOME: folder.homeFolder, ...marksOf(stage) },
    cwd: '/',
    detached: true,
  });
  const events: RunnerEvent[] = [];
  const kill = () => {
    try {
      if (child.pid) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // Gone already.
    }
  };
  signal.addEventListener('abort', kill, { once: true });
  process.once('exit', kill);
  child.stdin.on('error', () => {});
  child.stdin.write(`${JSON.stringify(task)}\n`);
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => {
    try {
      const event = JSON.parse(line) as RunnerEvent;
      events.push(event);
      onEvent(event);
    } catch {
      // What the sandbox itself may say.
    }
  });
  await new Promise<void>((resolve) => {
    child.once('error', () => resolve());
    child.once('close', () => resolve());
  });
  signal.removeEventListener('abort', kill);
  process.off('exit', kill);
  kill();
  // Without namespaces, what left the process group is told by its mark; the server's processes lost theirs long ago.
  if (!sandbox.endsTogether) await endStrays(stage);
  if (signal.aborted) throw new HoldfastError('interrupted');
  return events;
}

async function endStrays({ folder }: Stage): Promise<void> {
  await endProcessesOf(`${STAGE_MARK}=${folder.mark[DRILL_MARK]}`, null);
}

/** Tells what is started on the stage from the server below it. */
const STAGE_MARK = 'HOLDFAST_STAGE';

const marksOf = ({ folder: { mark } }: Stage) => ({ ...mark, [STAGE_MARK]: mark[DRILL_MARK]! });

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
