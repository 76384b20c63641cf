import { z } from 'zod';
import { environmentName, text } from '../config-destination.ts';
import { documentName, time } from './common.ts';

export const discoverRequest = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('postgres'),
      url: text
        .max(2000)
        .regex(/^(postgres(ql)?:\/\/|\$\{[A-Za-z_][A-Za-z0-9_]*\}$)/, 'must begin with postgres://')
        .optional()
        .describe('as of a source; the database that it names need not exist'),
      urlEnv: environmentName.max(200).optional().describe('as of a source'),
    }),
    z.strictObject({
      kind: z.literal('sqlite'),
      path: text.max(4000).describe('a folder of the server; ${NAME} is allowed'),
    }),
  ])
  .refine((body) => body.kind !== 'postgres' || (body.url === undefined) !== (body.urlEnv === undefined), {
    message: 'needs either url or urlEnv',
    path: ['url'],
  });

const discoveredDatabase = z.object({
  label: z.string().describe('name of the database, or path of the file; for people'),
  name: documentName.nullable().describe('a name for the source that is free; null for what cannot be one'),
  body: z.record(z.string(), z.unknown()).nullable().describe('the source, as in holdfast.yaml'),
  size_bytes: z.number().nullable().describe('null where the login may not ask'),
  owner: z.string().nullable().describe('of a database of a server'),
  encoding: z.string().nullable().describe('of a database of a server'),
  may_connect: z.boolean().nullable().describe('of a database of a server'),
  may_read: z.boolean().nullable().describe('of a database of a server: all that a backup reads'),
  modified_at: time.nullable().describe('of a file'),
  journal_mode: z.enum(['wal', 'delete']).nullable().describe('of a file'),
  problem: z.string().nullable().describe('why it cannot be backed up as it is'),
  stored_as: z.string().nullable().describe('the source that is this one already'),
});

export const discovered = z.object({
  items: z.array(discoveredDatabase),
  unreadable: z.array(z.object({ path: z.string(), cause: z.string() })).describe('what was not looked at'),
  limits: z
    .array(z.enum(['depth', 'entries', 'found', 'time']))
    .describe('why there may be more than is listed'),
});
