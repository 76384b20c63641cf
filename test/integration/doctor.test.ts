/** `holdfast doctor`, by the real program: whatever would make a recovery fail today is found, each with the command that mends it. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { place, succeeded } from '../support/cli-place.ts';

interface Check {
  readonly name: string;
  readonly status: 'ok' | 'warning' | 'problem';
  readonly message: string;
  readonly next: string | null;
}

/** The clock, client programs and the disk cannot be changed here: see doctor-recovery.test.ts, and drill-check.test.ts for drills. */
const LACKS: readonly (readonly [name: string, says: RegExp, next: RegExp])[] = [
  ['plan nightly', /has no schedule/, /holdfast backup nightly/],
  ['plan nightly', /no drill is planned/, /holdfast drill nightly/],
  ['plan nightly', /the only copy of app, secrets is on the same disk/, /holdfast replicate/],
  ['plan weekly', /stay 14 days, and a drill looks every 92/, /plans\.weekly\.drill\.schedule/],
  ['key separation', /whoever opens it has both/, /holdfast config diff/],
  ['vault, keys', /one key opens the repository/, /holdfast key add/],
  ['vault, recovery kit', /no recovery kit was made/, /holdfast kit/],
  ['vault, backups', /there is no good backup/, /holdfast backup/],
  ['vault, restore drills', /no restore was ever rehearsed/, /holdfast drill/],
  ['gone', /./, /./],
];

const CONFIG = `
destinations:
  vault: { address: ./vault }
  gone: { address: ./app.db/gone }
sources:
  app: { kind: sqlite, path: ./app.db }
  secrets: { kind: files, path: ./.env }
plans:
  nightly: { sources: [app, secrets], destination: vault, schedule: null }
  weekly: { sources: [app], destinations: [vault, gone], drill: { schedule: quarterly }, retention: { days: 14 } }
`;

test('each lack is found, and comes with what mends it', async (t) => {
  const { folder, holdfast } = await place(t);
  await writeFile(join(folder, '.env'), 'KEY=1');
  await writeFile(join(folder, 'holdfast.yaml'), CONFIG);
  succeeded(await holdfast(['init', '--destination', 'vault']));
  const run = await holdfast(['doctor', '--json']);
  assert.equal(run.status, 1, run.stderr + run.stdout);
  const { ok, checks } = JSON.parse(run.stdout) as { ok: boolean; checks: readonly Check[] };
  assert.equal(ok, false, 'a destination that cannot be reached is a problem');
  for (const [name, says, next] of LACKS) {
    const found = checks.find((one) => one.name === name && one.status !== 'ok' && says.test(one.message));
    assert.ok(found, `${name} ${says}: ${JSON.stringify(checks, null, 1)}`);
    assert.match(found.next ?? '', next, name);
  }
  for (const { status, next, name } of checks) assert.ok(status === 'ok' || next, name);
  assert.equal(checks.find(({ name }) => name === 'gone')?.status, 'problem');
});
