/** A folder with a configuration of several destinations, for tests that drive the real program. */
import assert from 'node:assert/strict';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { generateKeyText } from '../../src/engine/crypto/key-text.ts';
import { type CliRun, runCli } from './run-cli.ts';
import { temporaryFolder } from './temporary-folder.ts';

export interface CopiesPlace {
  readonly folder: string;
  readonly environment: Record<string, string>;
  run(args: readonly string[], environment?: Record<string, string>): Promise<CliRun>;
  /** With --json, what it says; asserts the exit code. */
  json(args: readonly string[], exitCode?: number): Promise<Record<string, unknown>>;
  /** Takes a folder out of reach, as a disk that is not mounted. */
  hide(name: string): Promise<void>;
  show(name: string): Promise<void>;
  /** Writes a file of the application. */
  write(name: string, bytes: string | Uint8Array): Promise<void>;
}

/** A plan of a folder, to three destinations of which two share a key. */
export const THREE = `
destinations:
  main: { address: ./main, keys: { current: { env: KEY_A } } }
  offsite: { address: ./offsite, keys: { current: { env: KEY_B } } }
  third: { address: ./third, keys: { current: { env: KEY_A } } }
sources:
  app: { kind: files, path: ./app }
plans:
  nightly: { sources: [app], destinations: [main, offsite, third] }
`;

/** `app/` is the application; `configuration` is the text of holdfast.yaml. `KEY_A` and `KEY_B` are keys. */
export async function copiesPlace(t: TestContext, configuration: string): Promise<CopiesPlace> {
  const folder = await temporaryFolder(t);
  const environment = {
    HOLDFAST_HOME: join(folder, 'home'),
    KEY_A: generateKeyText(),
    KEY_B: generateKeyText(),
  };
  await mkdir(join(folder, 'app'));
  await writeFile(join(folder, 'holdfast.yaml'), configuration);
  const run = (args: readonly string[], more: Record<string, string> = {}) =>
    runCli(args, { folder, environment: { ...environment, ...more } });
  return {
    folder,
    environment,
    run,
    async json(args, exitCode = 0) {
      const { status, stdout, stderr } = await run([...args, '--json']);
      assert.equal(status, exitCode, `${args.join(' ')}: exit ${status}\n${stderr}${stdout}`);
      return JSON.parse(stdout) as Record<string, unknown>;
    },
    hide: (name) => rename(join(folder, name), join(folder, `${name}.hidden`)),
    show: (name) => rename(join(folder, `${name}.hidden`), join(folder, name)),
    write: (name, bytes) => writeFile(join(folder, 'app', name), bytes),
  };
}
