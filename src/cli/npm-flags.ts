type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Options that npm takes for its own when `--` was forgotten (`npm run backup:restore ID --confirm-restore`)
 * and hands over as `npm_config_confirm_restore`. Only these are taken from there, only below `npm run`,
 * only where the command knows them, and never against what the command line says. `--to` cannot be among them:
 * npm takes it for an abbreviation of an option of its own.
 */
const FROM_NPM = ['confirm-restore', 'dry-run', 'json', 'repository', 'share', 'tenant-id', 'type'] as const;

export interface KnownOption {
  /** With its dashes: `--tenant-id`. */
  readonly long: string;
  readonly takesValue: boolean;
}

/** The arguments with what npm swallowed put back behind them. */
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
    if (!option || isGiven || value === undefined || value === '') return [];
    if (option.takesValue) return value === 'true' ? [] : [`${long}=${value}`];
    return value === 'true' ? [long] : [];
  });
  return [...ownArgs, ...flags, ...args.slice(ownArgs.length)];
}
