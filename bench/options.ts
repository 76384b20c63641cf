import { parseArgs } from 'node:util';
import { PATTERNS, type Pattern } from './patterns.ts';
import { DEFAULT_TOOLS, TOOL_NAMES, type ToolName } from './tools/find-tools.ts';
import { WORKLOAD_NAMES, type WorkloadName } from './workloads/index.ts';

export interface BenchOptions {
  readonly workloads: readonly WorkloadName[];
  readonly tools: readonly ToolName[];
  readonly peers: readonly string[];
  readonly scale: number;
  readonly rounds: number;
  readonly seed: number;
  readonly pattern: Pattern;
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
  --workload <names>   ${WORKLOAD_NAMES.join(', ')}  (default: all)
  --size <scale>       1 is 1 GiB of database, 20,000 files of 1 GB, 200,000 small files  (default: 1)
  --rounds <count>     each with new repositories  (default: 3)
  --tools <names>      ${TOOL_NAMES.join(', ')}
                       (default: all but borg-zstd; what is not installed is named and left out)
  --peer <path>        another restic or borg program to run besides; may be given several times
  --pattern <name>     which 1 % of rows or files change: ${PATTERNS.join(', ')}  (default: scattered)
  --seed <number>      the same seed and size give the same data everywhere  (default: 1)
  --output <folder>    where results are written  (default: bench/results)
  --s3                 repositories of holdfast and restic in one bucket of a Ceph gateway on this machine
  --keep               leave data and repositories in the temporary folder, and say where
  --service            the service instead: lists over a long history, a queue at its fullest; see --service --help
  --publish [files]    run nothing: put the newest results of each workload, or those of the named files,
                       into docs/performance.md and README.md
  -h, --help           this text

Examples:
  $ npm run bench                                            # everything; an hour or two on two cores
  $ npm run bench -- --size 0.05 --rounds 1                  # a minute or two, to see that it works
  $ npm run bench -- --workload postgres --pattern skewed
  $ npm run bench -- --workload files --tools holdfast,restic --peer ~/restic-0.18/usr/bin/restic
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
      peer: { type: 'string', multiple: true },
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
  return {
    kind: 'run',
    options: {
      workloads: names('--workload', values.workload, WORKLOAD_NAMES, WORKLOAD_NAMES),
      tools: names('--tools', values.tools, TOOL_NAMES, DEFAULT_TOOLS),
      peers: values.peer ?? [],
      scale,
      rounds: whole('--rounds', values.rounds ?? '3', 1),
      seed: whole('--seed', values.seed ?? '1', 0),
      pattern: names('--pattern', values.pattern, PATTERNS, ['scattered'])[0]!,
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
