import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { KitPayload } from '../../contracts/kit-payload.ts';
import { HoldfastError } from '../../engine/base/errors.ts';
import { type Action, type Cli, type CommandResult, examples } from '../cli.ts';
import { formatCount, printable } from '../format.ts';
import { fromFile } from '../key-texts.ts';
import { mask } from '../mask.ts';
import { closedEngineOptions, keyTextsOf, loadEngine, warnIfWeak } from '../open-engine.ts';
import {
  chooseDestination,
  configuredDestination,
  type Destination,
  givenDestination,
  type LoadedConfig,
  loadConfig,
  readConfig,
} from '../settings.ts';

interface KitOptions {
  readonly zip?: string;
  readonly withKey?: boolean;
  readonly kitPassphraseFile?: string;
}

export function addKit(program: Command, action: Action): void {
  program
    .command('kit')
    .description('write what opens the backups on a machine without Holdfast')
    .argument('<folder>', 'new or empty')
    .option('--zip <file>', 'also as one new zip file')
    .option('--with-key', 'also the key: keep such a kit in a safe')
    .option('--kit-passphrase-file <file>', 'wrap the key in the kit under this (or HOLDFAST_KIT_PASSPHRASE)')
    .addHelpText(
      'after',
      `
The kit holds instructions with the real addresses, ids and commands, the public signing keys, the configuration
without secrets, and two decoders: one for plain Node, one for Python. holdfast doctor says when a new one is due.
${examples('holdfast kit ./kit', 'holdfast kit ./kit --zip ./kit.zip --with-key --kit-passphrase-file ./words.txt')}`,
    )
    .action(action(makeKit));
}

async function makeKit(cli: Cli, folder: string, options: KitOptions): Promise<CommandResult> {
  const withKey = options.withKey === true;
  const kitPassphrase = await kitPassphraseOf(cli, options);
  if (kitPassphrase !== null) await warnIfWeak(cli, kitPassphrase);
  const given = givenDestination(cli.io, cli.options);
  const loaded = given ? null : await loadConfig(cli.io, cli.options);
  const destinations = [];
  for (const one of await destinationsOfKit(cli, loaded)) {
    destinations.push({
      name: one.name,
      options: await closedEngineOptions(cli, one, await keyTextsOf(cli, one)),
    });
  }
  const { writeKit } = await loadEngine(cli);
  const payload: KitPayload = await writeKit({
    folder: resolve(cli.io.folder, folder),
    zipFile: options.zip === undefined ? null : resolve(cli.io.folder, options.zip),
    withKey,
    kitPassphrase: withKey ? kitPassphrase : null,
    configuration: loaded && {
      name: 'holdfast.yaml',
      text: mask(await readConfig(loaded.file)),
    },
    destinations,
  });
  // Whoever reads JSON only must not miss that there is a key on the disk now.
  if (cli.json && payload.key !== 'none') cli.note(WITH_KEY[payload.key].trimEnd());
  return { json: payload, text: renderKit(payload) };
}

/** Null for a key that is left as it is. Throws `usage` for one that is given and of no use. */
async function kitPassphraseOf(cli: Cli, { withKey, kitPassphraseFile }: KitOptions): Promise<string | null> {
  if (kitPassphraseFile !== undefined) {
    if (withKey) return fromFile(cli, resolve(cli.io.folder, kitPassphraseFile), '--kit-passphrase-file');
    throw new HoldfastError('usage', '--kit-passphrase-file is of no use without --with-key', {
      next: 'add --with-key, or leave it away',
    });
  }
  return (withKey && cli.io.environment.HOLDFAST_KIT_PASSPHRASE) || null;
}

/** The destination that is named, else every one of the configuration, else that of the data folder. */
async function destinationsOfKit(cli: Cli, loaded: LoadedConfig | null): Promise<Destination[]> {
  const names = Object.keys(loaded?.config.destinations ?? {});
  if (!loaded || cli.options.destination || names.length === 0) {
    return [await chooseDestination(cli.io, cli.options, loaded, null)];
  }
  return Promise.all(names.map((name) => configuredDestination(cli.io, loaded, name)));
}

const WITH_KEY = {
  none: 'it holds no key: keep the key apart from it, and both away from this machine\n',
  wrapped:
    'IT HOLDS THE KEY, wrapped under the passphrase of the kit: keep that apart from it, and both away from this machine\n',
  plain: `IT HOLDS THE KEY: whoever has it and a copy of the backups reads everything in them.
Print it, put it in a safe, and delete it from this machine.
`,
};

/** Exported for its test. */
export function renderKit({ folder, zipFile, key, destinations }: KitPayload): string {
  const lines = destinations.map(
    ({ address, keyIds, fingerprints, backups }) =>
      `${printable(mask(address))}: ${formatCount(backups, 'backup')}, ${keyIds.length > 0 ? `key ${keyIds.join(' or ')}, ` : ''}${formatCount(fingerprints.length, 'signer')}\n`,
  );
  const zip = zipFile === null ? '' : `the same in ${zipFile}\n`;
  return `${lines.join('')}recovery kit in ${folder}\n${zip}${WITH_KEY[key]}`;
}
