import { S3Client } from '@aws-sdk/client-s3';
import type { S3Target } from './s3-address.ts';
import type { S3Patience, S3Settings } from './s3-settings.ts';

/** Enough for the uploads and the read-ahead of one run. */
const MOST_CONNECTIONS = 16;

const nothing = () => {};
const SILENT = { trace: nothing, debug: nothing, info: nothing, warn: nothing, error: nothing };

/**
 * A client that tries once: repetition is `s3Calls`' task, which knows what may be repeated. Checksums of what goes are given by the
 * callers, since the SDK would put its own into trailers that older servers refuse. The caller destroys it.
 */
export function s3Client(target: S3Target, patience: S3Patience, agents?: S3Settings['agents']): S3Client {
  const { endpoint, region, credentials } = target;
  const agent = { keepAlive: true, maxSockets: MOST_CONNECTIONS };
  return new S3Client({
    ...(endpoint !== null && { endpoint }),
    ...(region !== null && { region }),
    ...(credentials !== null && {
      credentials: {
        accessKeyId: credentials.accessKeyId,
        secretAccessKey: credentials.secretAccessKey,
        ...(credentials.sessionToken !== undefined && { sessionToken: credentials.sessionToken }),
      },
    }),
    // The SDK warns on the console of requests it cannot repeat, which is not its task here.
    logger: SILENT,
    forcePathStyle: target.pathStyle,
    maxAttempts: 1,
    // Else every pack would wait for an answer before its body, on a connection of its own; see `sendingBody`.
    expectContinueHeader: false,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: target.checksums === 'when-required' ? 'WHEN_REQUIRED' : 'WHEN_SUPPORTED',
    requestHandler: {
      connectionTimeout: patience.connectMs,
      socketTimeout: patience.idleMs,
      httpAgent: agents?.http ?? agent,
      httpsAgent: agents?.https ?? agent,
    },
  });
}
