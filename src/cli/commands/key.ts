import { resolve } from 'node:path';
import type { Command } from 'commander';
import { HoldfastError } from '../../engine/base/errors.ts';
import { type Action, type Cli, type CommandResult, examples } from '../cli.ts';
import { formatCount, formatSize } from '../format.ts';
import { fromFile, writeKeyFile } from '../key-texts.ts';
import { loadEngine, warnIfWeak, withEngine } from '../open-engine.ts';
import { renderTable } from '../table.ts';

interface NewKeyOptions {
  readonly keyFile?: string;
  readonly kms?: string;
  readonly label?: string;
}

export function addKey(program: Command, action: Action): void {
  const key = program.command('key').description('generate keys, and choose which ones open the repository');
  key
    .command('generate')
    .description('make a strong random key')
    .option('--output <file>', 'write it to a new file, readable by you alone, instead of showing it')
    .addHelpText(
      'after',
      examples('holdfast key generate --output /etc/holdfast.key', 'holdfast key generate'),
    )
    .action(action(generate));
  key
    .command('list')
    .description('list the keys that open the repository')
    .addHelpText('after', examples('holdfast key list'))
    .action(action(list));
  newKeyOptions(key.command('add'))
    .description('let another key open the repository, too')
    .addHelpText(
      'after',
      examples(
        'holdfast key add --key-file /etc/second.key --label "safe"',
        'holdfast key add --kms aws-kms:arn:aws:kms:eu-central-1:111122223333:key/1234abcd-…',
        'holdfast key add --kms vault-transit:transit/holdfast',
      ),
    )
    .action(action(add));
  key
    .command('retire')
    .description('stop a key from opening the repository; this does not revoke what it could read before')
    .argument('<key-id>', 'see holdfast key list')
    .addHelpText('after', examples('holdfast key retire 3f2a91c04d5e6f70'))
    .action(action(retire));
  newKeyOptions(key.command('rotate'))
    .description('seal new backups under a new key; old ones stay readable with it')
    .addHelpText(
      'after',
      `
From then on give the new key as BACKUP_ENCRYPTION_KEY. It opens older backups, too; the old key, as
BACKUP_ENCRYPTION_KEY_OLD, is needed until every machine has the new one. Rotation is not revocation:
whoever had the old key can still read copies of old objects. holdfast key reencrypt rewrites them.
${examples('holdfast key generate --output /etc/new.key', 'holdfast key rotate --key-file /etc/new.key')}`,
    )
    .action(action(rotate));
  key
    .command('reencrypt')
    .description('rewrite what older keys sealed under the current one')
    .addHelpText('after', examples('holdfast key reencrypt'))
    .action(action(reencrypt));
}

function newKeyOptions(command: Command): Command {
  return command
    .option('--key-file <file>', 'file that holds the new key')
    .option('--kms <key>', 'a key that stays in its service: aws-kms:arn:…, vault-transit:mount/key')
    .option('--label <text>', 'a name for people');
}

async function generate(cli: Cli, options: { readonly output?: string }): Promise<CommandResult> {
  const { generateKeyText, keyIdOf } = await loadEngine(cli);
  const text = generateKeyText();
  const keyId = keyIdOf(text)!;
  if (options.output === undefined) {
    cli.note(`key id ${keyId}; keep a copy away from this machine: without it no backup can be read`);
    return { json: { keyId, key: text, file: null }, text: `${text}\n`, revealsSecret: true };
  }
  const file = resolve(cli.io.folder, options.output);
  await writeKeyFile(file, text);
  return {
    json: { keyId, key: null, file },
    text: `wrote key ${keyId} to ${file}\nkeep a copy away from this machine: without it no backup can be read\n`,
  };
}

async function list(cli: Cli): Promise<CommandResult> {
  const slots = await withEngine(cli, null, (engine) => engine.listKeys());
  const text = renderTable(
    [
      { title: 'key id', value: ({ keyId }) => keyId },
      { title: 'label', value: ({ label }) => label },
      { title: 'kind', value: ({ kind }) => kind },
      { title: 'opens', value: ({ current, epoch }) => (current ? 'everything' : `up to epoch ${epoch}`) },
      { title: 'since', value: ({ createdAt }) => createdAt.slice(0, 10) },
    ],
    slots,
  );
  return { json: slots, text };
}

async function readNewKey(cli: Cli, options: NewKeyOptions): Promise<string> {
  const { keyFile, kms } = options;
  if ((keyFile === undefined) === (kms === undefined))
    throw new HoldfastError('usage', 'which key it is was not said', {
      next: 'give either --key-file or --kms',
    });
  if (kms !== undefined) return kmsReference(kms);
  const text = await fromFile(cli, resolve(cli.io.folder, keyFile!), '--key-file');
  await warnIfWeak(cli, text);
  return text;
}

/** A slip in it must not make it a passphrase. */
function kmsReference(text: string): string {
  if (/^(aws-kms|vault-transit):\S/.test(text.trim())) return text.trim();
  throw new HoldfastError('usage', `${text} names no key of a service`, {
    next: 'write it as aws-kms:arn:aws:kms:REGION:ACCOUNT:key/ID or vault-transit:MOUNT/KEY',
  });
}

const labelOf = ({ label, kms }: NewKeyOptions) => label ?? kms ?? '';

async function add(cli: Cli, options: NewKeyOptions): Promise<CommandResult> {
  const text = await readNewKey(cli, options);
  const { slotId } = await withEngine(cli, null, (engine) => engine.addKey(text, labelOf(options)));
  return { json: { slotId }, text: 'the key opens the repository now\n' };
}

async function retire(cli: Cli, keyId: string): Promise<CommandResult> {
  if (!/^[0-9a-f-]{4,36}$/i.test(keyId)) {
    throw new HoldfastError('usage', 'this is not a key id', { next: 'see holdfast key list' });
  }
  const { slotId } = await withEngine(cli, null, (engine) => engine.retireKey(keyId));
  return {
    json: { slotId },
    text: 'the key no longer opens the repository\nwho has it and an old copy of the repository can still read that copy\n',
  };
}

async function rotate(cli: Cli, options: NewKeyOptions): Promise<CommandResult> {
  const text = await readNewKey(cli, options);
  const { epoch } = await withEngine(cli, null, (engine) => engine.rotateKey(text, labelOf(options)));
  return {
    json: { epoch },
    text: `new backups are sealed under the new key (epoch ${epoch})\nnext: set ${options.kms === undefined ? 'BACKUP_ENCRYPTION_KEY' : 'BACKUP_ENCRYPTION_KEY_ID'} to it, then run holdfast key reencrypt\n`,
  };
}

async function reencrypt(cli: Cli): Promise<CommandResult> {
  const outcome = await withEngine(cli, null, (engine) => engine.reencrypt());
  const count = formatCount(outcome.rewrittenObjects, 'object');
  return {
    json: outcome,
    text: `rewrote ${count} (${formatSize(outcome.rewrittenBytes)}) under the current key\n`,
  };
}
