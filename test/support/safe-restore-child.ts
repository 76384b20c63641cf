/** A process that restores over something, or one tenant, or switches back, and kills itself at a step. Its argument is JSON: see `ChildTask`. */
import { openEngine, silentProgress, switchBack } from '../../src/engine/index.ts';

export interface ChildTask {
  readonly what: 'restore' | 'switch-back' | 'tenant';
  readonly address: string;
  readonly keyText: string;
  readonly stateFolder: string;
  readonly backupId: string;
  readonly item: string;
  readonly target: string;
  readonly tenantId?: string;
  /** `fill` kills at the first step of that name; null at none. */
  readonly killAt: string | null;
}

const task = JSON.parse(process.argv[2]!) as ChildTask;
const { stateFolder, backupId, item, target } = task;
const { signal } = new AbortController();
const safe = {
  stateFolder,
  graceMs: 200,
  onStep: (step: string) => {
    if (step === task.killAt) process.kill(process.pid, 'SIGKILL');
  },
};

if (task.what === 'switch-back') await switchBack({ safe, target, progress: silentProgress, signal });
else {
  const engine = await openEngine({
    ...{
      address: task.address,
      layout: 'repository',
      keyTexts: [task.keyText],
      // Of a tenant's restore the steps before it touches the live database are phases.
      progress: task.what === 'tenant' ? { ...silentProgress, phase: safe.onStep } : silentProgress,
      signal,
    },
    ...{ stateFolder, signingKeyFile: `${stateFolder}/signing-key.pem` },
  });
  if (task.what === 'tenant') {
    const tenant = { id: task.tenantId!, column: 'tenant_id', rules: {} };
    await engine.restoreTenant({ backupId, item, target, tenant, decide: () => true, onStep: safe.onStep });
  } else await engine.restore({ backupId, item, target, replace: true, safe });
  await engine.close();
}
