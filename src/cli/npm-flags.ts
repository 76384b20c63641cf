import { HoldfastError } from '../engine/base/errors.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Options that npm takes for its own when `--` was forgotten (`npm run backup:restore ID --confirm-restore`)
 * and hands over as `npm_config_confirm_restore`. Only these are taken from there, only below `npm run`,
 * only where the command knows them, and never against what the command line says.
 */
const FROM_NPM = [
  ...['archived', 'config', 'confirm-restore', 'daily', 'dry-run', 'hourly', 'json', 'keep-last', 'monthly'],
  ...['preset', 'repository', 'share', 'tenant-id', 'to', 'type', 'weekly', 'yearly'],
];

/** What npm takes for an abbreviation of an option of its own: its value is gone to another name. */
const ABBREVIATED: Readonly<Record<string, string>> = { '--to': 'npm_config_token_description' };

export interface KnownOption {
  /** With its dashes: `--tenant-id`. */
  readonly long: string;
  readonly takesValue: boolean;
}

/**
 * The arguments with what npm swallowed put back behind them. Throws `usage` where npm took an option and lost its
 * value, or hid it: without `--to` a restore would go over the original.
 */
export function withNpmFlags(
  args: readonly string[],
  known: readonly KnownOption[],
  environment: Environment,
): string[] {
  if (environment.npm_lifecycle_event === undefined) return [...args];
  const separator = args.indexOf('--');
  const ownArgs = separator === -1 ? args : args.slice(0, separator);
  const flags = FROM_NPM.flatMap((name) => {
    const long = `--${name}`;
    const option = known.find((candidate) => candidate.long === long);
    const value = environment[`npm_config_${name.replaceAll('-', '_')}`];
    const isGiven = ownArgs.some((arg) => arg === long || arg.startsWith(`${long}=`));
    if (!option || isGiven) return [];
    if (environment[ABBREVIATED[long] ?? '']) throw swallowed(long, environment);
    if (value === undefined || value === '') return [];
    if (option.takesValue && value === 'true') throw swallowed(long, environment);
    if (option.takesValue) return [`${long}=${value}`];
    return value === 'true' ? [long] : [];
  });
  return [...ownArgs, ...flags, ...args.slice(ownArgs.length)];
}

function swallowed(long: string, environment: Environment): HoldfastError {
  const script = environment.npm_lifecycle_event;
  return new HoldfastError('usage', `npm took ${long} for an option of its own`, {
    next: `put -- before the options: npm run ${script} -- ${long} …`,
  });
}
