import { parseArgs } from 'node:util';
import { PATTERN_CHOICES, type PatternChoice } from './patterns.ts';
import { STEPS, type Step } from './results.ts';
import {
  DEFAULT_TOOLS,
  PEER_CHOICES,
  type PeerChoice,
  TOOL_NAMES,
  type ToolName,
} from './tools/find-tools.ts';
import { DEFAULT_WORKLOADS, WORKLOAD_NAMES, type WorkloadName } from './workloads/titles.ts';

export interface BenchOptions {
  readonly workloads: readonly WorkloadName[];
  readonly tools: readonly ToolName[];
  readonly choice: PeerChoice;
  readonly peers: readonly string[];
  readonly steps: readonly Step[];
  readonly scale: number;
  readonly rounds: number;
  readonly seed: number;
  readonly pattern: PatternChoice;
  /** Of a history. */
  readonly backups: number;
  /** Where repositories of a history are kept once they are made; null for nowhere. */
  readonly prepared: string | null;
  readonly keep: boolean;
  /** Repositories in a bucket of a Ceph gateway on this machine, whose memory is its disk. */
  readonly s3: boolean;
  /** Null for bench/results. */
  readonly output: string | null;
}

export type Request =
  | { readonly kind: 'help' }
  | { readonly kind: 'publish'; readonly files: readonly string[]; readonly output: string | null }
  | { readonly kind: 'run'; readonly options: BenchOptions };

export const HELP = `npm run bench -- [options]

Backs up and restores generated data with holdfast and its peers, one after the other on the same data,
and prints what each needed and what holdfast needed in proportion.

Options:
  --workload <names>   ${WORKLOAD_NAMES.join(', ')}  (default: all but history)
  --size <scale>       1 is 1 GiB of database, 20,000 files of 1 GB, 200,000 small files, 1 GiB of history  (default: 1)
  --rounds <count>     each with new repositories  (default: 3)
  --tools <names>      ${TOOL_NAMES.join(', ')}
                       (default: all but borg-zstd; what is not installed is named and left out)
  --peers <choice>     which restic and borg: ${PEER_CHOICES.join(', ')}; npm run bench:peers fetches newer ones
                       than those on the PATH  (default: all)
  --peer <path>        another restic or borg program to run besides; may be given several times
  --pattern <name>     which 1 % of rows or files change: ${PATTERN_CHOICES.join(', ')}
                       (default: all, a day each, one after the other)
  --steps <names>      ${STEPS.join(', ')}
                       (default: all that the data has; first is always among them)
  --seed <number>      the same seed and size give the same data everywhere  (default: 1)
  --backups <count>    of a history  (default: 200)
  --prepared <folder>  keep repositories of a history there, and take those that are there from earlier runs
  --output <folder>    where results are written  (default: bench/results)
  --s3                 repositories of holdfast and restic in one bucket of a Ceph gateway on this machine
  --keep               leave data and repositories in the temporary folder, and say where
  --service            the service instead: lists over a long history, a queue at its fullest; see --service --help
  --publish [files]    run nothing: put the newest results of each workload, or those of the named files,
                       into docs/performance.md and README.md
  -h, --help           this text

Examples:
  $ npm run bench                                            # everything; hours on two cores
  $ npm run bench -- --size 0.05 --rounds 1                  # a minute or two, to see that it works
  $ npm run bench -- --workload postgres --pattern skewed
  $ npm run bench -- --workload files --tools holdfast,restic --peers newest
  $ npm run bench -- --workload history --backups 10000 --size 20 --tools holdfast
  $ npm run bench -- --publish
`;

/** Throws an error whose message says what is wrong with the arguments. */
export function parseRequest(args: readonly string[]): Request {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      workload: { type: 'string' },
      size: { type: 'string' },
      rounds: { type: 'string' },
      tools: { type: 'string' },
      peers: { type: 'string' },
      peer: { type: 'string', multiple: true },
      steps: { type: 'string' },
      backups: { type: 'string' },
      prepared: { type: 'string' },
      pattern: { type: 'string' },
      seed: { type: 'string' },
      output: { type: 'string' },
      keep: { type: 'boolean' },
      s3: { type: 'boolean' },
      publish: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return { kind: 'help' };
  const output = values.output ?? null;
  if (values.publish) return { kind: 'publish', files: positionals, output };
  if (positionals.length > 0) throw new Error(`unexpected argument '${positionals[0]}'`);
  const scale = number('--size', values.size ?? '1');
  if (scale <= 0 || scale > 100) throw new Error('--size is a number above 0 and up to 100');
  const workloads = names('--workload', values.workload, WORKLOAD_NAMES, DEFAULT_WORKLOADS);
  if (values.s3 && workloads.includes('history'))
    throw new Error('a history lies in folders: leave --s3 out');
  return {
    kind: 'run',
    options: {
      workloads,
      tools: names('--tools', values.tools, TOOL_NAMES, DEFAULT_TOOLS),
      choice: names('--peers', values.peers, PEER_CHOICES, ['all'])[0]!,
      peers: values.peer ?? [],
      steps: names('--steps', values.steps, STEPS, STEPS),
      backups: whole('--backups', values.backups ?? '200', 4),
      prepared: values.prepared ?? null,
      scale,
      rounds: whole('--rounds', values.rounds ?? '3', 1),
      seed: whole('--seed', values.seed ?? '1', 0),
      pattern: names('--pattern', values.pattern, PATTERN_CHOICES, ['all'])[0]!,
      keep: values.keep ?? false,
      s3: values.s3 ?? false,
      output,
    },
  };
}

function names<T extends string>(
  option: string,
  text: string | undefined,
  known: readonly T[],
  otherwise: readonly T[],
): readonly T[] {
  if (text === undefined) return otherwise;
  return text.split(',').map((part) => {
    const found = known.find((name) => name === part.trim());
    if (found === undefined) throw new Error(`${option} knows ${known.join(', ')}, not '${part}'`);
    return found;
  });
}

function number(option: string, text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value))
    throw new Error(`${option} takes a number, not '${text}'`);
  return value;
}

function whole(option: string, text: string, least: number): number {
  const value = number(option, text);
  if (!Number.isSafeInteger(value) || value < least)
    throw new Error(`${option} is a whole number from ${least}`);
  return value;
}
