/** Dumps of a ledger come from anybody: whatever is in the files, the proof ends with an answer. */
import assert from 'node:assert/strict';
import { appendFile, open, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ProblemCode } from '../../src/server/ledger/proof/report.ts';
import { verifyLedgerDump } from '../../src/server/ledger/proof/verify-dump.ts';
import { count } from '../support/counts.ts';
import { ledgerWorld, writeDump } from '../support/ledger-world.ts';
import { seededRandom } from '../support/seed.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const FILES = [
  ...['audit_vault', 'vault_checkpoints', 'vault_signing_keys'],
  ...['org_admin_reads', 'org_admin_reads_checkpoints'],
];
const FIRST = 'audit_vault.ndjson';

test('files that are no dump: each is answered with its file and line', async (t) => {
  const folder = await temporaryFolder(t);
  const world = await ledgerWorld(await temporaryFolder(t), 30);
  const own = world.lines.audit_vault[9]!;
  const line = (value: object) => `${JSON.stringify(value)}\n`;
  const spoil: [string, ProblemCode, (file: string) => Promise<unknown>][] = [
    ['missing', 'file_missing', (file) => rm(file)],
    [
      'a folder',
      'file_missing',
      async (file) => {
        await rm(file);
        await symlink(folder, file);
      },
    ],
    ['empty', 'empty', (file) => truncate(file)],
    ['zeros', 'line_malformed', (file) => writeFile(file, Buffer.alloc(1000))],
    [
      'cut in the last line',
      'line_malformed',
      async (file) => truncate(file, (await readFile(file)).length - 2),
    ],
    [
      'no end of the last line',
      'line_malformed',
      async (file) => truncate(file, (await readFile(file)).length - 1),
    ],
    ['text behind', 'line_malformed', (file) => appendFile(file, 'x')],
    ['an empty line', 'line_malformed', (file) => appendFile(file, '\n')],
    [
      'windows line ends',
      'line_malformed',
      async (file) => writeFile(file, (await readFile(file, 'utf8')).replaceAll('\n', '\r\n')),
    ],
    [
      'a byte order mark',
      'line_malformed',
      async (file) => writeFile(file, `\ufeff${await readFile(file, 'utf8')}`),
    ],
    ['no utf-8', 'line_malformed', (file) => appendFile(file, Buffer.from([0x22, 0xff, 0x22, 0x0a]))],
    [
      'another order of members',
      'line_malformed',
      (file) => appendFile(file, line(Object.fromEntries(Object.entries(own).reverse()))),
    ],
    [
      'a member twice',
      'line_malformed',
      async (file) =>
        writeFile(file, (await readFile(file, 'utf8')).replace('"action":', '"action":"other","action":')),
    ],
    [
      'a member too many',
      'line_malformed',
      async (file) =>
        writeFile(file, (await readFile(file, 'utf8')).replace('{"action":', '{"aa":1,"action":')),
    ],
    ['null', 'line_malformed', (file) => appendFile(file, 'null\n')],
    ['deep', 'line_malformed', (file) => appendFile(file, `${'['.repeat(100_000)}${']'.repeat(100_000)}\n`)],
    ['a name that is special', 'line_malformed', (file) => appendFile(file, '{"__proto__":{"seq":1}}\n')],
    ['a line without an end', 'line_malformed', async (file) => sparse(file, 2 ** 33)],
  ];
  for (const [name, code, work] of spoil) {
    await writeDump(folder, world.lines);
    await work(join(folder, FIRST));
    const { problems, ok } = await verifyLedgerDump({ folder, kept: null, pinned: [] });
    assert.equal(ok, false, name);
    assert.equal(problems[0]?.code, code, `${name}: ${JSON.stringify(problems[0])}`);
    assert.equal(problems[0]?.where, FIRST, name);
    await rm(join(folder, FIRST), { recursive: true, force: true });
  }
  await writeDump(folder, world.lines);
  assert.deepEqual((await verifyLedgerDump({ folder, kept: null, pinned: [] })).problems, []);
});

/** Gigabytes that take no space. */
async function sparse(file: string, sizeBytes: number): Promise<void> {
  const handle = await open(file, 'r+');
  await handle.truncate(sizeBytes);
  await handle.close();
}

test('random damage of any file is found', async (t) => {
  const random = seededRandom('ledger damage');
  const folder = await temporaryFolder(t);
  const world = await ledgerWorld(await temporaryFolder(t), 30);
  for (let round = 0; round < count(150, 3000); round += 1) {
    await writeDump(folder, world.lines);
    const file = join(folder, `${random.pick(FILES)}.ndjson`);
    const bytes = await readFile(file);
    const at = random.int(bytes.length);
    const change = random.int(3);
    const damaged =
      change === 0
        ? Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)])
        : change === 1
          ? Buffer.concat([bytes.subarray(0, at), random.bytes(1 + random.int(20)), bytes.subarray(at)])
          : Buffer.from(bytes.with(at, bytes[at]! ^ (1 << random.int(8))));
    await writeFile(file, damaged);
    const { ok, problems } = await verifyLedgerDump({ folder, kept: [world.anchor], pinned: [] });
    assert.equal(ok, false, `round ${round}: ${file} at ${at}, change ${change}`);
    assert.ok(problems.length > 0);
  }
});
