import type { Agent as HttpAgent } from 'node:http';
import type { Agent as HttpsAgent } from 'node:https';

/** What an address does not say. Used for the kinds `s3:` and `supabase:`. */
export interface S3Settings {
  /** Absent: what the SDK finds by itself, which is AWS_* variables, a profile, or the role of the machine. */
  readonly credentials?: S3Credentials | undefined;
  /** Used when the address names none. */
  readonly bucket?: string | undefined;
  /** Used when the address names none. */
  readonly region?: string | undefined;
  readonly supabase?: SupabaseKeys | undefined;
  readonly patience?: S3Patience | undefined;
  /** Size of the first parts of an upload. S3 wants at least 5 MiB, R2 wants all but the last alike. */
  readonly partBytes?: number | undefined;
  /** Connect in place of the SDK's own, such as only to addresses that are allowed. The caller destroys them. */
  readonly agents?: { readonly http: HttpAgent; readonly https: HttpsAgent } | undefined;
}

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

export interface SupabaseKeys {
  /** Goes past every row rule of the project: keep it on servers. */
  readonly serviceRoleKey: string;
  /** Older servers want it as the secret that signs requests. */
  readonly anonKey?: string | undefined;
}

/** Limits of time. Every call ends within them, whatever the network does. */
export interface S3Patience {
  readonly connectMs: number;
  /** A connection on which nothing moves for so long is given up. */
  readonly idleMs: number;
  /** One attempt may take so long, and longer by its bytes at `slowestBytesPerSecond`. */
  readonly callMs: number;
  readonly slowestBytesPerSecond: number;
  /** Attempts of one call at a server that answered before. */
  readonly attempts: number;
  /** Attempts while a server has never answered: probably the address is wrong. */
  readonly firstAttempts: number;
  readonly shortestWaitMs: number;
  readonly longestWaitMs: number;
}

/** A gateway that restarts is back in seconds; ten attempts wait about a minute and a half. */
export const PATIENCE: S3Patience = {
  connectMs: 10_000,
  idleMs: 30_000,
  callMs: 60_000,
  slowestBytesPerSecond: 64 * 1024,
  attempts: 10,
  firstAttempts: 4,
  shortestWaitMs: 200,
  longestWaitMs: 20_000,
};
