/** What a measured run executes, as a value. */

export interface Command {
  /** Run one after the other; each is one program with its arguments, or several joined by pipes. */
  readonly steps: readonly Pipeline[];
  /** Takes the standard output of the last step. Default: nowhere. */
  readonly outputFile?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export type Pipeline = readonly (readonly string[])[];

const quoted = (word: string) => `'${word.replaceAll("'", "'\\''")}'`;

const pipelineText = (pipeline: Pipeline) => pipeline.map((words) => words.map(quoted).join(' ')).join(' | ');

/** A single program is started directly; everything else by bash, which fails when any part fails. */
export function argumentsOf(command: Command): readonly string[] {
  const [only, ...others] = command.steps;
  if (others.length === 0 && only?.length === 1) return only[0]!;
  const script = ['set -e -o pipefail', ...command.steps.map(pipelineText)].join('\n');
  return ['bash', '-c', script];
}

/** For messages: what an operator would type. */
export const describe = (command: Command) => command.steps.map(pipelineText).join(' && ');
