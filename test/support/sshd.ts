/** A real OpenSSH server for one test: own port, own host key, own login key; nothing of the machine's own set-up. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import type { SftpSettings } from '../../src/engine/storage/sftp/sftp-settings.ts';
import { ensureSshd } from './ensure-sshd.ts';
import { freePort } from './free-port.ts';
import { temporaryFolder } from './temporary-folder.ts';

export interface TestSshd {
  readonly port: number;
  readonly user: string;
  /** `SHA256:…` of the host key. */
  readonly fingerprint: string;
  /** What the server stores is below this folder. */
  readonly folder: string;
  /** Keys and configuration of the server. */
  readonly base: string;
  readonly settings: SftpSettings;
  addressOf(path: string, port?: number): string;
  /** Kills the server and every connection it has. */
  kill(): Promise<void>;
  /** Starts it again on the same port; with a limit to the length of the files it writes. */
  start(limits?: { readonly largestFileBytes: number }): Promise<void>;
  /** A new host key, from the next start on. */
  changeHostKey(): void;
}

/** Lines for sshd_config that replace the default of the same name. */
export interface SshdOptions {
  readonly config?: readonly string[];
  /** A second host key, of an older kind, in `host-key-rsa`. */
  readonly hasRsaKey?: boolean;
}

export async function startSshd(test: TestContext, options: SshdOptions = {}): Promise<TestSshd> {
  const sshd = ensureSshd();
  const base = await temporaryFolder(test);
  const port = await freePort();
  const folder = join(base, 'data');
  mkdirSync(folder);
  makeKey(join(base, 'host-key'));
  makeKey(join(base, 'login-key'));
  const rsaKey = join(base, 'host-key-rsa');
  if (options.hasRsaKey)
    execFileSync('ssh-keygen', ['-q', '-t', 'rsa', '-b', '2048', '-N', '', '-f', rsaKey]);
  writeFileSync(join(base, 'authorized'), readFileSync(join(base, 'login-key.pub')));
  writeFileSync(join(base, 'sshd_config'), configOf(base, port, options));
  // sshd separates privileges in this folder, which Debian makes at boot.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true });
  let server: ChildProcess | null = null;
  const kill = async () => {
    const ended = server;
    server = null;
    if (!ended?.pid || ended.exitCode !== null) return;
    const exited = new Promise((resolve) => ended.once('exit', resolve));
    for (const pid of [ended.pid, ...descendantsOf(ended.pid)]) killProcess(pid);
    await exited;
  };
  const start = async (limits?: { readonly largestFileBytes: number }) => {
    const command = [sshd, '-D', '-e', '-f', join(base, 'sshd_config')];
    // Without SIGXFSZ, a write beyond the limit fails instead of ending the server.
    const limited = [
      'sh',
      '-c',
      `trap '' XFSZ; ulimit -f ${(limits?.largestFileBytes ?? 0) >> 9}; exec "$@"`,
      'sh',
    ];
    const [program, ...args] = limits ? [...limited, ...command] : command;
    server = spawn(program!, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let log = '';
    server.stderr?.setEncoding('utf8').on('data', (text: string) => {
      log = (log + text).slice(-4000);
    });
    while (!log.includes('Server listening')) {
      if (server.exitCode !== null) throw new Error(`sshd does not start: ${log}`);
      await wait(10);
    }
  };
  test.after(kill);
  await start();
  const { username } = userInfo();
  return {
    port,
    user: username,
    get fingerprint() {
      return fingerprintOfFile(join(base, 'host-key.pub'));
    },
    folder,
    base,
    get settings() {
      return {
        privateKey: readFileSync(join(base, 'login-key'), 'utf8'),
        hostKeys: [fingerprintOfFile(join(base, 'host-key.pub'))],
      };
    },
    addressOf: (path, at = port) => `sftp://${username}@127.0.0.1:${at}${join(folder, path)}`,
    kill,
    start,
    changeHostKey() {
      execFileSync('rm', ['-f', join(base, 'host-key'), join(base, 'host-key.pub')]);
      makeKey(join(base, 'host-key'));
    },
  };
}

function configOf(base: string, port: number, { config: extra = [], hasRsaKey }: SshdOptions): string {
  const keywordOf = (line: string) => line.split(' ')[0];
  const replaced = new Set(extra.map(keywordOf));
  const usual = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${join(base, 'host-key')}`,
    ...(hasRsaKey ? [`HostKey ${join(base, 'host-key-rsa')}`] : []),
    'PidFile none',
    `AuthorizedKeysFile ${join(base, 'authorized')}`,
    'StrictModes no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    // Without PAM, a server that is not root cannot see that its own account is not locked.
    `UsePAM ${process.getuid?.() === 0 ? 'no' : 'yes'}`,
    'PermitRootLogin yes',
    'MaxStartups 100',
    'Subsystem sftp internal-sftp',
  ];
  const lines = [...extra, ...usual.filter((line) => !replaced.has(keywordOf(line)))];
  return `${lines.join('\n')}\n`;
}

export function makeKey(file: string, passphrase = ''): void {
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', passphrase, '-f', file]);
}

/** What `ssh-keygen -lf` shows: the reference for ours. */
export function fingerprintOfFile(file: string): string {
  return execFileSync('ssh-keygen', ['-lf', file], { encoding: 'utf8' }).split(' ')[1]!;
}

/** The processes that serve connections are in sessions of their own, so a signal to the group misses them. */
function descendantsOf(pid: number): number[] {
  const parents = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({ pid: Number(name), parent: parentOf(name) }));
  const below = (parent: number): number[] =>
    parents.filter((one) => one.parent === parent).flatMap((one) => [one.pid, ...below(one.pid)]);
  return below(pid);
}

function parentOf(pid: string): number | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return null;
  }
}

function killProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself.
  }
}
