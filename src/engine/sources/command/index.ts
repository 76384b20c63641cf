/** The door to the command source: what a command prints in, and back into another. */
export { type CommandOptions, commandSource } from './command-source.ts';
export { type RestoreCommandOptions, restoreCommand } from './restore-command.ts';
