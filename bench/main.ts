/** `npm run bench`: holdfast beside its peers on the same generated data. See docs/performance.md. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runRound } from './benchmark.ts';
import { commitOf, describeMachine } from './machine.ts';
import { resultMarkdown, workloadTable } from './markdown.ts';
import { type BenchOptions, HELP, parseRequest, type Request } from './options.ts';
import { publish, resultFilesIn } from './publish.ts';
import type { BenchResult, Sample, WorkloadResult } from './results.ts';
import { startBucket } from './s3-server.ts';
import { sizeText } from './sizes.ts';
import { findTools } from './tools/find-tools.ts';
import { onS3 } from './tools/on-s3.ts';
import type { Tool } from './tools/port.ts';
import { WORKLOADS, type WorkloadName } from './workloads/index.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const RESULTS = join(ROOT, 'bench/results');
const EXIT_USAGE = 2;
const EXIT_INTERRUPTED = 130;

const say = (text: string) => console.log(text);

async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--service')) return runService(args.filter((arg) => arg !== '--service'));
  let request: Request;
  try {
    request = parseRequest(args);
  } catch (error) {
    console.error(`bench: ${messageOf(error)}\n  next: npm run bench -- --help`);
    return EXIT_USAGE;
  }
  if (request.kind === 'help') {
    process.stdout.write(HELP);
    return 0;
  }
  if (request.kind === 'publish') {
    const files = request.files.length > 0 ? request.files : resultFilesIn(request.output ?? RESULTS);
    const documents = { full: join(ROOT, 'docs/performance.md'), short: join(ROOT, 'README.md') };
    for (const path of publish(files, documents)) say(`wrote ${path}`);
    return 0;
  }
  const interrupt = listenForInterrupt();
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-bench-'));
  try {
    await runAll(request.options, folder, interrupt.signal);
    return 0;
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
    console.error('bench: interrupted; everything temporary is removed');
    return EXIT_INTERRUPTED;
  } finally {
    if (request.options.keep) say(`kept ${folder}`);
    else rmSync(folder, { recursive: true, force: true });
  }
}

function listenForInterrupt(): AbortController {
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interrupt.abort());
  return interrupt;
}

/** Loaded for this alone: the others measure programs and need nothing of the service. */
async function runService(args: readonly string[]): Promise<number> {
  const { benchService, parseService, SERVICE_HELP } = await import('./service/main.ts');
  let options: ReturnType<typeof parseService>;
  try {
    options = parseService(args, RESULTS);
  } catch (error) {
    console.error(`bench: ${messageOf(error)}\n  next: npm run bench -- --service --help`);
    return EXIT_USAGE;
  }
  if (options === null) process.stdout.write(SERVICE_HELP);
  else await benchService(options, ROOT, listenForInterrupt().signal);
  return 0;
}

async function runAll(options: BenchOptions, folder: string, signal: AbortSignal): Promise<void> {
  const cacheFolder = join(folder, 'program-cache');
  mkdirSync(cacheFolder);
  const { tools: local, missing } = findTools({ names: options.tools, peers: options.peers, cacheFolder });
  const server = options.s3 ? await startBucket() : null;
  try {
    const tools = server ? local.flatMap((tool) => onS3(tool, server.bucket) ?? []) : local;
    await runOn(tools, missing, options, folder, signal);
  } finally {
    await server?.stop();
  }
}

async function runOn(
  tools: readonly Tool[],
  missing: readonly string[],
  options: BenchOptions,
  folder: string,
  signal: AbortSignal,
): Promise<void> {
  for (const name of missing) say(`${name} is not installed: left out`);
  const started = new Date();
  const { scale, rounds, seed, pattern } = options;
  const head: Omit<BenchResult, 'workloads'> = {
    format: 1,
    startedAt: started.toISOString(),
    commit: commitOf(ROOT),
    machine: describeMachine(folder),
    settings: { scale, rounds, seed, pattern },
    tools: tools.map(({ name, version, settings }) => ({ name, version, settings })),
    missingTools: missing,
  };
  const finished: WorkloadResult[] = [];
  const base = join(
    options.output ?? RESULTS,
    `${started.toISOString().slice(0, 16).replace(':', '')}-${head.commit}`,
  );
  for (const name of options.workloads) {
    const save = (result: WorkloadResult) => write(base, { ...head, workloads: [...finished, result] });
    finished.push(await runWorkload(name, options, tools, folder, signal, save));
    say(`\n${workloadTable(finished.at(-1)!)}\n`);
  }
  say(`wrote ${base}.json and .md`);
}

/** Saves after every round: what is measured is measured, whatever ends the next one. */
async function runWorkload(
  name: WorkloadName,
  options: BenchOptions,
  tools: readonly Tool[],
  parent: string,
  signal: AbortSignal,
  save: (result: WorkloadResult) => void,
): Promise<WorkloadResult> {
  const folder = join(parent, name);
  const dataFolder = join(folder, 'data');
  mkdirSync(dataFolder, { recursive: true });
  const { scale, seed, pattern, keep } = options;
  say(`${WORKLOADS[name].title}: generating`);
  const workload = await WORKLOADS[name].open({ folder: dataFolder, scale, seed, signal });
  try {
    say(`  ${sizeText(workload.sizeBytes)}, ${JSON.stringify(workload.facts)}`);
    const samples: Sample[] = [];
    const onSample = (sample: Sample) => {
      samples.push(sample);
      say(sampleLine(sample));
    };
    let result: WorkloadResult | undefined;
    let changedFirst: number | undefined;
    for (let round = 1; round <= options.rounds; round += 1) {
      const changed = await runRound({ workload, tools, folder, round, pattern, signal, onSample, keep });
      changedFirst ??= changed;
      const { sizeBytes, facts } = workload;
      result = {
        workload: name,
        sizeBytes,
        facts,
        changed: changedFirst,
        samples: [...samples],
      };
      save(result);
    }
    return result!;
  } finally {
    await workload.close();
    if (!keep) rmSync(folder, { recursive: true, force: true });
  }
}

function sampleLine({ round, step, tool, wallSeconds, cpuSeconds, peakBytes, addedBytes }: Sample): string {
  const numbers = `${wallSeconds.toFixed(2).padStart(8)} s  cpu ${cpuSeconds.toFixed(2).padStart(7)} s`;
  const added = addedBytes === null ? '' : `  added ${sizeText(addedBytes)}`;
  return `  ${round} ${step.padEnd(10)}${tool.padEnd(15)}${numbers}  peak ${sizeText(peakBytes)}${added}`;
}

function write(base: string, result: BenchResult): void {
  mkdirSync(join(base, '..'), { recursive: true });
  writeFileSync(`${base}.json`, `${JSON.stringify(result, null, 2)}\n`);
  writeFileSync(`${base}.md`, `# Benchmark results\n\n${resultMarkdown(result)}\n`);
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(`bench: ${messageOf(error)}`);
  process.exitCode = 1;
}
