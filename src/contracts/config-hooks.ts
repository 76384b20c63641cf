/** The part of a plan that says what runs before and after it. */
import { z } from 'zod';
import { environmentName, text } from './config-destination.ts';
import type { Environment } from './interpolate.ts';

/** Long enough to drain workers, short enough that a hook which hangs does not cost the night. */
export const DEFAULT_HOOK_SECONDS = 300;

/** Keys open every backup: no hook and no check needs them, so none may ask. */
export const isKeyName = (name: string) =>
  /ENCRYPTION_KEY|^(S3|AWS)_SECRET|SERVICE_ROLE_KEY|^SFTP_P|^VAULT_TOKEN/i.test(name);

const hook = z
  .strictObject({
    command: z
      .array(text)
      .min(1, 'must name a program')
      .optional()
      .describe('Program and arguments, as they are: no shell reads them.'),
    shell: text.optional().describe('A line for the shell instead.'),
    timeLimitSeconds: z
      .int()
      .min(1)
      .max(86_400)
      .default(DEFAULT_HOOK_SECONDS)
      .describe('Then it is ended with everything it started, and counts as failed.'),
    environment: z
      .array(
        environmentName.refine(
          (one) => !isKeyName(one),
          'must not be the name of a key or login of a destination',
        ),
      )
      .default([])
      .describe(
        'Variables of Holdfast that it needs. Else it has PATH, HOME, LANG and HOLDFAST_* facts of the run.',
      ),
  })
  .refine(({ command, shell }) => (command === undefined) !== (shell === undefined), {
    message: 'needs either command or shell',
    path: ['command'],
  });

export const hooks = z
  .strictObject({
    before: z
      .array(hook)
      .min(1, 'must hold at least one hook')
      .optional()
      .describe('In order, before anything is read. One that fails ends the run.'),
    after: z
      .array(hook)
      .min(1, 'must hold at least one hook')
      .optional()
      .describe('In order, always: also when the run or a hook before it failed.'),
  })
  .describe('Commands around each run, such as a read-only mode that is switched on and off again.');

export type HooksConfig = z.output<typeof hooks>;

/** Hooks as the engine runs them; variables that are not set are left out. */
export function runHooksOf(hooks: HooksConfig | undefined, environment: Environment) {
  const ready = (list: HooksConfig['before']) =>
    (list ?? []).map(({ command, shell, timeLimitSeconds, environment: names }) => ({
      command: command ?? shell!,
      timeLimitMs: timeLimitSeconds * 1000,
      environment: Object.fromEntries(
        names.flatMap((one) => (environment[one] === undefined ? [] : [[one, environment[one]]])),
      ),
    }));
  return { before: ready(hooks?.before), after: ready(hooks?.after) };
}
