import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { StorageSettings } from '../engine/index.ts';
import type { Cli } from './cli.ts';
import { readNamedFile, referredSecret, secretVariable } from './secret-variable.ts';

import type { Login } from './settings.ts';

type SftpSettings = NonNullable<StorageSettings['sftp']>;

/** What `ssh` itself looks for, in its order. */
const DEFAULT_KEYS = ['id_ed25519', 'id_ecdsa', 'id_rsa'];

/**
 * How to log in to an SFTP server, from SFTP_PRIVATE_KEY, SFTP_PASSPHRASE and SFTP_PASSWORD (each also with `_FILE`),
 * else an ssh-agent and the user's own keys; how to recognise the server, from SFTP_HOST_KEY, else SFTP_KNOWN_HOSTS_FILE or
 * the known_hosts of user and machine. What the configuration names comes before the environment. Throws `storage_denied` for a file that is named and cannot be read.
 */
export async function sftpSettings(
  cli: Cli,
  { sftp }: Login = {},
  folder = cli.io.folder,
): Promise<SftpSettings> {
  const { environment, userFolder } = cli.io;
  // A login of the configuration counts alone: a password of the environment may be that of another server.
  const isConfigured = sftp?.password !== undefined || sftp?.privateKey !== undefined;
  const secretOf = async (field: 'password' | 'passphrase' | 'privateKey', variable: string) => {
    const reference = sftp?.[field];
    if (reference) return referredSecret(cli, reference, folder, `sftp.${field}`);
    return isConfigured ? null : secretVariable(cli, variable);
  };
  const [password, passphrase, namedKey] = await Promise.all([
    secretOf('password', 'SFTP_PASSWORD'),
    secretOf('passphrase', 'SFTP_PASSPHRASE'),
    secretOf('privateKey', 'SFTP_PRIVATE_KEY'),
  ]);
  const isNamed = namedKey !== null || password !== null;
  const hostKeys =
    sftp?.hostKeys ?? (environment.SFTP_HOST_KEY ?? '').split(/[\s,]+/).filter((text) => text !== '');
  return {
    password: password ?? undefined,
    passphrase: passphrase ?? undefined,
    privateKey: namedKey ?? (isNamed ? undefined : await defaultKey(join(userFolder, '.ssh'))),
    agentSocket: isNamed ? undefined : environment.SSH_AUTH_SOCK || undefined,
    hostKeys,
    knownHosts: sftp?.knownHostsFile
      ? await readNamedFile(cli, resolve(folder, sftp.knownHostsFile), 'sftp.knownHostsFile')
      : await knownHosts(cli),
  };
}

async function defaultKey(folder: string): Promise<string | undefined> {
  for (const name of DEFAULT_KEYS) {
    const text = await readFile(join(folder, name), 'utf8').catch(() => null);
    if (text !== null) return text;
  }
  return undefined;
}

async function knownHosts(cli: Cli): Promise<string> {
  const file = cli.io.environment.SFTP_KNOWN_HOSTS_FILE;
  if (file) return readNamedFile(cli, file, 'SFTP_KNOWN_HOSTS_FILE');
  const files = [join(cli.io.userFolder, '.ssh', 'known_hosts'), '/etc/ssh/ssh_known_hosts'];
  const texts = await Promise.all(files.map((path) => readFile(path, 'utf8').catch(() => '')));
  return texts.join('\n');
}
