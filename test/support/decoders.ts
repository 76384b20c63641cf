/** The decoders of the recovery kit as processes, and the Python they need. */
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { installPackages, mayInstallPackages } from './debian-packages.ts';

export const KIT_FOLDER = fileURLToPath(new URL('../../kit/', import.meta.url));
export const NODE_DECODER = `${KIT_FOLDER}holdfast-decode.mjs`;
export const PYTHON_DECODER = `${KIT_FOLDER}holdfast_decode.py`;

export interface DecoderRun {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Decoder {
  readonly name: string;
  /** Runs it with nothing of this process's environment but PATH. */
  run(args: readonly string[], environment?: Readonly<Record<string, string>>): DecoderRun;
}

/** A decoder from any file, such as one that was broken on purpose. */
export function decoderOf(name: string, command: readonly string[], more: readonly string[] = []): Decoder {
  return {
    name,
    run(args, environment = {}) {
      const [program, ...first] = command;
      const result: SpawnSyncReturns<string> = spawnSync(program!, [...first, ...args, ...more], {
        encoding: 'utf8',
        maxBuffer: 64 * 2 ** 20,
        env: { PATH: process.env.PATH, PYTHONDONTWRITEBYTECODE: '1', ...environment },
      });
      if (result.error) throw result.error;
      return { status: result.status, stdout: result.stdout, stderr: result.stderr };
    },
  };
}

/** Both decoders; `withBuiltin` also with the zstd decoders that are in them. */
export function decoders(withBuiltin = false): Decoder[] {
  const node = [process.execPath, NODE_DECODER];
  const python = [ensureCryptography(), PYTHON_DECODER];
  const usual = [decoderOf('node', node), decoderOf('python', python)];
  if (!withBuiltin) return usual;
  const builtin = ['--zstd', 'builtin'];
  return [
    ...usual,
    decoderOf('node, its own zstd', node, builtin),
    decoderOf('python, its own zstd', python, builtin),
  ];
}

let python: string | null = null;

/** A Python that has `cryptography`. Installs Debian's where there is none and it is permitted; throws otherwise. */
export function ensureCryptography(): string {
  python ??= findPython();
  if (python !== null) return python;
  if (!mayInstallPackages()) {
    throw new Error('Python lacks cryptography: run apt-get install python3-cryptography as root');
  }
  installPackages('python3', 'python3-cryptography');
  python = findPython();
  if (python === null) throw new Error('python3-cryptography was installed, but no Python 3.11 has it');
  return python;
}

/** An absolute path. */
function findPython(): string | null {
  const check =
    'import sys, cryptography; print(sys.executable, end=""); sys.exit(sys.version_info < (3, 11))';
  for (const candidate of ['python3', '/usr/bin/python3']) {
    const { status, stdout } = spawnSync(candidate, ['-c', check], { encoding: 'utf8' });
    if (status === 0) return stdout;
  }
  return null;
}
