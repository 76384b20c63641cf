import { homedir } from 'node:os';
import type { CliIo } from './cli.ts';

/** The real process. A reader that went away (`holdfast list | head`) is no error: output is dropped from then on. */
export function processIo(): CliIo {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', ignoreClosedPipe);
  return {
    stdout: (text) =>
      new Promise((resolve, reject) => {
        process.stdout.write(text, (error) => {
          if (!error || (error as NodeJS.ErrnoException).code === 'EPIPE') resolve();
          else reject(error);
        });
      }),
    stderr: (text) => void process.stderr.write(text),
    columns: () => {
      if (!process.stderr.isTTY || process.env.TERM === 'dumb') return null;
      return process.stderr.columns || 80;
    },
    environment: process.env,
    folder: process.cwd(),
    userFolder: homedir(),
    nowMs: () => Date.now(),
    loadEngine: () => import('../engine/lean.ts'),
    loadLedger: () => import('../server/ledger/local-ledger.ts'),
  };
}

function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}
