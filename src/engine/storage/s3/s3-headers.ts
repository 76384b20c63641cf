import type { PutObjectCommand, UploadPartCommand } from '@aws-sdk/client-s3';
import type { Digests } from './s3-written.ts';

/**
 * Adds what the SDK has no parameter for, before it signs. The signature takes the SHA-256 that is known, instead of one the SDK
 * would compute of the same bytes. A first attempt sends its body at once; a repeated one asks the server before: one that
 * refuses without reading ends the connection while the body is under way, and its answer would be lost again.
 */
export function sendingBody<C extends PutObjectCommand | UploadPartCommand>(
  command: C,
  { sha256 }: Pick<Digests, 'sha256'>,
  attempt: number,
): C {
  const { middlewareStack: stack } = command as PutObjectCommand;
  stack.add(
    (next) => (given) => {
      const { headers } = given.request as { readonly headers: Record<string, string> };
      headers['x-amz-content-sha256'] = sha256.toString('hex');
      if (attempt > 1) headers.expect = '100-continue';
      return next(given);
    },
    { step: 'build', name: 'sendingBody' },
  );
  return command;
}
