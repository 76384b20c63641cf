import type { EngineModule } from './engine-door.ts';
import type { LedgerModule } from './ledger-door.ts';

/** What the process gives a command line, so that tests can give something else. */
export interface CliIo {
  /** Resolves when the text is handed over; rejects with EPIPE when nobody reads any more. */
  stdout(text: string): Promise<void>;
  stderr(text: string): void;
  /** Columns of the terminal behind standard error; null when there is none. */
  columns(): number | null;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Relative paths are relative to this. */
  readonly folder: string;
  /** The user's home folder. */
  readonly userFolder: string;
  nowMs(): number;
  /** Loaded on first use only, so that `--help` does not wait for it. */
  loadEngine(): Promise<EngineModule>;
  /** Absent where no ledger is kept. Loaded when there is something to record. */
  readonly loadLedger?: () => Promise<LedgerModule>;
}

/** One run of the command line. */
export interface Cli {
  readonly io: CliIo;
  readonly json: boolean;
  /** Aborted by the first Ctrl-C. */
  readonly signal: AbortSignal;
  readonly options: GlobalOptions;
  /** Says something beside the result, on standard error; secrets are masked. */
  note(text: string): void;
}

export interface GlobalOptions {
  readonly repository?: string;
  /** Name of a destination of the configuration. */
  readonly destination?: string;
  readonly config?: string;
  readonly json?: boolean;
  /** MiB each second, as written. */
  readonly limitUpload?: string;
  readonly limitDownload?: string;
}

/** What a command has to say: exactly one of the two is shown, on standard output. */
export interface CommandResult {
  readonly json: unknown;
  /** Whole lines. */
  readonly text: string;
  /** Default 0. */
  readonly exitCode?: number;
  /** True when the result is meant to hold a secret, such as a new key; everything else is masked. */
  readonly revealsSecret?: boolean;
}

/** What a command does. The last two arguments commander gives (options, command) come with the rest. */
export type Handler<Args extends unknown[]> = (cli: Cli, ...args: Args) => Promise<CommandResult>;

/** Turns a handler into an action of commander. */
export type Action = <Args extends unknown[]>(handler: Handler<Args>) => (...args: Args) => Promise<void>;

/** Examples below a command's help: each a command line and, behind `#`, what it does. */
export function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}\n`).join('')}`;
}
