/** A real S3 server for tests: Ceph's gateway from Debian's packages, in memory, on ports of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { S3Client } from '@aws-sdk/client-s3';
import type { S3Credentials, S3Settings } from '../../src/engine/storage/s3/s3-settings.ts';
import { ensureCeph } from './ceph-packages.ts';
import { freePort } from './free-port.ts';

const SCRIPT = fileURLToPath(new URL('./ceph-rgw.sh', import.meta.url));
const START_MS = 400_000;
const STOP_MS = 3_000;

export interface Ceph {
  readonly endpoint: string;
  readonly port: number;
  /** May make buckets, and owns them. */
  readonly owner: S3Credentials;
  /** Has no right to anything but what a bucket's policy gives. */
  readonly guest: S3Credentials;
  /** An address of a bucket, and of a folder of it, as the command line takes it. Ceph 16 knows no checksum headers. */
  address(bucket: string, options?: Readonly<Record<string, string>>, folder?: string): string;
  /** A client past everything of ours, for looking and for breaking things. */
  client(credentials?: S3Credentials, endpoint?: string): S3Client;
  stop(): Promise<void>;
}

/** Few attempts, soon one after the other: a test of failures ends soon. What is silent needs shorter ones. */
export const SHORT_PATIENCE: NonNullable<S3Settings['patience']> = {
  connectMs: 60_000,
  idleMs: 60_000,
  callMs: 120_000,
  slowestBytesPerSecond: 4 * 2 ** 20,
  attempts: 6,
  firstAttempts: 2,
  shortestWaitMs: 20,
  longestWaitMs: 200,
};

/** Installs Ceph where it is missing and this may be done, and starts it: about 13 seconds. The caller stops it. */
export async function startCeph(): Promise<Ceph> {
  ensureCeph();
  const owner = { accessKeyId: 'AKOWNER', secretAccessKey: 'SKOWNER' };
  const guest = { accessKeyId: 'AKGUEST', secretAccessKey: 'SKGUEST' };
  const users = `owner ${owner.accessKeyId} ${owner.secretAccessKey}\nguest ${guest.accessKeyId} ${guest.secretAccessKey}`;
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-ceph-'));
  const [port, monitorPort] = [await freePort(), await freePort()];
  const child = spawn('bash', [SCRIPT, folder, String(port), String(monitorPort), users], {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  const stop = async () => {
    await ended(child);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await ready(child);
  } catch (error) {
    await stop();
    throw new Error(`ceph did not start: ${(error as Error).message}`);
  }
  const endpoint = `http://127.0.0.1:${port}`;
  return {
    endpoint,
    port,
    owner,
    guest,
    address(bucket, options = {}, inner = '') {
      const query = new URLSearchParams({ endpoint, checksums: 'when-required', ...options });
      return `s3://${bucket}/${inner}?${query}`;
    },
    client: (credentials = owner, at = endpoint) =>
      new S3Client({
        endpoint: at,
        maxAttempts: 1,
        region: 'us-east-1',
        forcePathStyle: true,
        credentials,
        requestChecksumCalculation: 'WHEN_REQUIRED',
        responseChecksumValidation: 'WHEN_REQUIRED',
      }),
    stop,
  };
}

function ready(child: ChildProcess): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => reject(new Error('not ready in time')), START_MS);
  let errors = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    if (text.includes('ready')) resolve();
  });
  child.on('error', reject);
  child.on('exit', () => reject(new Error(errors || 'it ended')));
  return promise.finally(() => clearTimeout(timer));
}

/** The script kills what it started once its input ends, which also happens when this process dies; while it starts, it is its group that is killed. */
async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  child.on('exit', () => resolve());
  child.stdin?.end();
  const timer = setTimeout(() => child.pid && process.kill(-child.pid, 'SIGKILL'), STOP_MS);
  await promise;
  clearTimeout(timer);
}
