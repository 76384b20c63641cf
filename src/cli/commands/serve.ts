import type { Command } from 'commander';
import { type Action, type Cli, type CommandResult, examples } from '../cli.ts';
import { generatedKeyFile, readKeyTexts, writeKeyFile } from '../key-texts.ts';
import { loadEngine } from '../open-engine.ts';
import { collect, positive } from '../option-values.ts';
import { homeFolder } from '../settings.ts';

interface ServeOptions {
  readonly host?: string;
  readonly port?: string;
  readonly label?: readonly string[];
  readonly concurrency: number;
  readonly worker: boolean;
}

export function addServe(program: Command, action: Action): void {
  program
    .command('serve')
    .description('run the server: plans on their schedule, API, and a worker')
    .option('--host <address>', 'where to listen (or HOLDFAST_HOST; default 127.0.0.1)')
    .option('--port <number>', 'and at which port (or HOLDFAST_PORT; default 4180)')
    .option('--label <label>', 'also take jobs with this label; may be repeated', collect)
    .option('--concurrency <number>', 'jobs at once', positive, 2)
    .option('--no-worker', 'leave every job to holdfast worker')
    .addHelpText(
      'after',
      `
The first start prints a setup token. Whoever sends it to POST /api/setup/owner owns the server. The catalog
is an SQLite file in the data folder, or the PostgreSQL database of HOLDFAST_DATABASE_URL. Before the server
faces a network, put TLS in front: see docs/operations.md.
${examples('holdfast serve', 'HOLDFAST_PUBLIC_URL=https://backup.example.org holdfast serve')}`,
    )
    .action(action(serve));
}

async function serve(cli: Cli, options: ServeOptions): Promise<CommandResult> {
  const { startService } = await import('../../server/service.ts');
  await ensureKey(cli);
  const { host, port, label: labels = [], worker, concurrency } = options;
  const service = await startService({
    environment: {
      ...cli.io.environment,
      ...(host ? { HOLDFAST_HOST: host } : {}),
      ...(port ? { HOLDFAST_PORT: port } : {}),
    },
    home: homeFolder(cli.io),
    workplace: (await import('../workplace.ts')).workplaceOf(cli),
    ...{ labels, concurrency: worker ? concurrency : null },
  });
  cli.note(`holdfast serves ${service.address}`);
  if (service.warning !== null) cli.note(`warning: ${service.warning}`);
  if (service.setupToken !== null) {
    cli.note(
      `nobody owns this server yet; claim it with this setup token, shown once:\n\n  ${service.setupToken}\n`,
    );
  }
  await untilAborted(cli.signal);
  await service.stop();
  return { json: { stopped: true }, text: '' };
}

/** As for the first backup by hand: destinations that name no key of their own have the generated one. */
async function ensureKey(cli: Cli): Promise<void> {
  const { current } = await readKeyTexts(cli, { keys: null, folder: cli.io.folder });
  if (current !== null) return;
  const { generateKeyText } = await loadEngine(cli);
  await writeKeyFile(generatedKeyFile(cli), generateKeyText());
  cli.note(
    `a key was made: ${generatedKeyFile(cli)}\ncopy it to a safe place away from this machine: without it no backup can be read`,
  );
}

/** Resolves when the process is told to end. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
