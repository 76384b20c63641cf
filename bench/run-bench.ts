/** A whole run: each workload with each tool, and what is written down of it. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { runRound } from './benchmark.ts';
import { runHistory } from './history/run-history.ts';
import { commitOf, describeMachine } from './machine.ts';
import { resultMarkdown, workloadTable } from './markdown.ts';
import type { BenchOptions } from './options.ts';
import { patternsOf } from './patterns.ts';
import type { BenchResult, Sample, WorkloadResult } from './results.ts';
import { startBucket } from './s3-server.ts';
import { sizeText } from './sizes.ts';
import { findTools } from './tools/find-tools.ts';
import { onS3 } from './tools/on-s3.ts';
import type { Tool } from './tools/port.ts';
import { WORKLOADS } from './workloads/index.ts';
import { TITLES, type WorkloadName } from './workloads/titles.ts';

export interface BenchRun {
  readonly options: BenchOptions;
  /** For everything temporary; exists. */
  readonly folder: string;
  readonly signal: AbortSignal;
  /** The checkout. */
  readonly root: string;
  /** Where results go unless the options say. */
  readonly results: string;
}

/** One workload of a run. */
export interface WorkloadRun {
  readonly options: BenchOptions;
  readonly tools: readonly Tool[];
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly onSample: (sample: Sample) => void;
  /** Called after every round: what is measured is measured, whatever ends the next one. */
  readonly save: (facts: Omit<WorkloadResult, 'samples' | 'workload'>) => void;
  readonly say: (text: string) => void;
}

const say = (text: string) => console.log(text);

/** Writes results after every round. Rejects when a tool or a check fails. */
export async function runBench(run: BenchRun): Promise<void> {
  const { options, folder } = run;
  const cacheFolder = join(folder, 'program-cache');
  mkdirSync(cacheFolder);
  const { tools: names, choice, peers } = options;
  const { tools: local, missing } = findTools({ names, choice, peers, cacheFolder });
  for (const name of missing) say(`${name} is not installed: left out`);
  const server = options.s3 ? await startBucket() : null;
  try {
    const tools = server ? local.flatMap((tool) => onS3(tool, server.bucket) ?? []) : local;
    await runOn(tools, missing, run);
  } finally {
    await server?.stop();
  }
}

async function runOn(tools: readonly Tool[], missing: readonly string[], run: BenchRun): Promise<void> {
  const { options, folder, signal } = run;
  const started = new Date();
  const { scale, rounds, seed, pattern } = options;
  const head: Omit<BenchResult, 'workloads'> = {
    format: 1,
    startedAt: started.toISOString(),
    commit: commitOf(run.root),
    machine: describeMachine(folder),
    settings: { scale, rounds, seed, pattern },
    tools: tools.map(({ name, version, settings }) => ({ name, version, settings })),
    missingTools: missing,
  };
  const stamp = started.toISOString().slice(0, 16).replace(':', '');
  const base = join(options.output ?? run.results, `${stamp}-${head.commit}`);
  const finished: WorkloadResult[] = [];
  for (const workload of options.workloads) {
    const samples: Sample[] = [];
    let result: WorkloadResult | undefined;
    await runWorkload(workload, {
      ...{ options, tools, signal, say },
      folder: join(folder, workload),
      onSample(sample) {
        samples.push(sample);
        say(sampleLine(sample));
      },
      save(facts) {
        result = { workload, ...facts, samples: [...samples] };
        write(base, { ...head, workloads: [...finished, result] });
      },
    });
    finished.push(result!);
    say(`\n${workloadTable(result!)}\n`);
  }
  say(`wrote ${base}.json and .md`);
}

async function runWorkload(name: WorkloadName, run: WorkloadRun): Promise<void> {
  const { options, folder } = run;
  say(`${TITLES[name]}: generating`);
  mkdirSync(folder, { recursive: true });
  try {
    if (name === 'history') await runHistory(run);
    else await runDays(name, run);
  } finally {
    if (!options.keep) rmSync(folder, { recursive: true, force: true });
  }
}

async function runDays(name: Exclude<WorkloadName, 'history'>, run: WorkloadRun): Promise<void> {
  const { options, tools, folder, signal, onSample, save } = run;
  const { scale, seed, keep, steps } = options;
  const dataFolder = join(folder, 'data');
  mkdirSync(dataFolder);
  const workload = await WORKLOADS[name]({ folder: dataFolder, scale, seed, signal });
  try {
    const { sizeBytes, facts } = workload;
    say(`  ${sizeText(sizeBytes)}, ${JSON.stringify(facts)}`);
    const patterns = patternsOf(options.pattern);
    let changed: number | undefined;
    for (let round = 1; round <= options.rounds; round += 1) {
      const edited = await runRound({
        workload,
        tools,
        folder,
        round,
        patterns,
        steps,
        signal,
        onSample,
        keep,
      });
      changed ??= edited;
      save({ sizeBytes, facts, changed });
    }
  } finally {
    await workload.close();
  }
}

function sampleLine(sample: Sample): string {
  const { round, step, pattern, tool, wallSeconds, cpuSeconds, peakBytes, addedBytes } = sample;
  const numbers = [
    `${wallSeconds.toFixed(2).padStart(8)} s`,
    cpuSeconds === null ? '' : `  cpu ${cpuSeconds.toFixed(2).padStart(7)} s`,
    peakBytes === null ? '' : `  peak ${sizeText(peakBytes)}`,
    addedBytes === null ? '' : `  ${step === 'prune' ? 'left' : 'added'} ${sizeText(addedBytes)}`,
  ];
  return `  ${round} ${(pattern ?? step).padEnd(10)}${tool.padEnd(17)}${numbers.join('')}`;
}

function write(base: string, result: BenchResult): void {
  mkdirSync(dirname(base), { recursive: true });
  writeFileSync(`${base}.json`, `${JSON.stringify(result, null, 2)}\n`);
  writeFileSync(`${base}.md`, `# Benchmark results\n\n${resultMarkdown(result)}\n`);
}
