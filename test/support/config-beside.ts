import { join } from 'node:path';
import { main } from '../../src/cli/main.ts';
import { fakeIo } from './fake-io.ts';
import type { HttpWorld } from './http-world.ts';

/** `holdfast config` on the machine of a server: in its folder, with its catalog and its key. */
export function configBeside({ folder, keyText }: HttpWorld) {
  const environment = { HOLDFAST_HOME: join(folder, 'home'), BACKUP_ENCRYPTION_KEY: keyText };
  const loadEngine = () => import('../../src/engine/index.ts');
  return async (...args: string[]) => {
    const io = fakeIo({ folder, environment, nowMs: () => Date.now(), loadEngine });
    const status = await main(['config', ...args], io);
    return { status, ...io.written };
  };
}
