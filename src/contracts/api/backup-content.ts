/** What is in a backup: read from the nearest copy. */
import { z } from 'zod';
import { retentionRules } from '../config.ts';
import { backupType, documentName, id, tenantId, time } from './common.ts';
import { backupDetail } from './runs.ts';

const bytes = z.number().describe('bytes');
const rows = z.int().nullable().describe('null where nobody counted');
const artifactName = z.string().min(1).max(1024);
const treePath = z
  .string()
  .max(8192)
  .regex(
    /^(?!\/)(?!.*\/$)(?!.*\/\/)[^\0]*$/,
    'must be a path below the artifact, without a slash at either end',
  )
  .describe('below the artifact; bytes that are no text as \\xNN');

const artifact = z.object({
  name: z.string(),
  kind: z.string(),
  size_bytes: bytes,
  source: z.string().nullable(),
  form: z
    .enum(['stream', 'tree'])
    .nullable()
    .describe('a tree can be looked into; null while the content is not read'),
  sha256: z.string().nullable(),
  tables: z.array(z.object({ name: z.string(), rows })).describe('of a database'),
  facts: z
    .record(z.string(), z.unknown())
    .nullable()
    .describe('as the source stated them, without its tables'),
});

export const backupContent = backupDetail.extend({
  artifacts: z.array(artifact),
  content_from: z.string().nullable().describe('the destination that was read; null when none could be'),
  content_error: z
    .object({ code: z.string(), message: z.string(), next: z.string() })
    .nullable()
    .describe('why no copy could be read: what is here then is what the catalog knows'),
  host: z.string().nullable(),
  program: z.string().nullable(),
  finished_at: time.nullable(),
  problems: z
    .array(z.object({ artifact: z.string(), path: z.string(), cause: z.string(), message: z.string() }))
    .describe('what could not be read when it was made'),
  holds: z.array(z.object({ reason: z.string().nullable(), created_at: time.nullable() })),
  proof: z
    .object({
      proven_at: time.nullable().describe('when a green drill last restored it'),
      drills: z
        .array(z.object({ id, result: z.enum(['green', 'red']), started_at: time }))
        .describe('the newest first'),
    })
    .describe('restore drills of this backup'),
});

export const treeQuery = z.strictObject({
  artifact: artifactName,
  path: treePath.default(''),
  search: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('part of a name, in any case; looks through everything below'),
  limit: z.coerce.number().int().min(1).max(1000).default(200),
  cursor: z.string().min(1).max(32_768).optional().describe('`next` of the page before'),
});
export const treePage = z.object({
  artifact: z.string(),
  path: z.string(),
  items: z.array(
    z.object({
      path: z.string().describe('below the artifact'),
      name: z.string(),
      type: z.enum(['file', 'folder', 'symlink', 'fifo', 'socket', 'block', 'character']),
      mode: z.string().describe('octal'),
      size_bytes: bytes,
      modified_at: time,
      link_target: z.string().nullable(),
    }),
  ),
  next: z.string().nullable().describe('null on the last page'),
});

export const fileQuery = z.strictObject({
  artifact: artifactName,
  path: treePath.default('').describe('empty for an artifact that is a file itself'),
});

export const compareQuery = z.strictObject({
  with: id.optional().describe('default: the one before of the same plan'),
  artifact: artifactName.optional().describe('a file tree: its paths are compared, too'),
  limit: z.coerce.number().int().min(1).max(1000).default(200),
  cursor: z.string().min(1).max(32_768).optional(),
});
const side = z.object({ id, timestamp: time, size_bytes: bytes });
const change = z.enum(['added', 'removed', 'changed', 'unchanged']);
export const comparison = z.object({
  backup: side,
  with: side.nullable().describe('null when there is none before'),
  artifacts: z.array(
    z.object({
      name: z.string(),
      kind: z.string(),
      change,
      size_bytes: bytes.nullable(),
      size_bytes_before: bytes.nullable(),
      tables: z
        .array(z.object({ name: z.string(), change, rows, rows_before: rows }))
        .describe('those with other rows than before; counted, or by their hash'),
      tables_unchanged: z.int(),
    }),
  ),
  tree: z
    .object({
      artifact: z.string(),
      counts: z.object({
        ...{ added: z.int(), removed: z.int(), changed: z.int(), attributes: z.int(), unchanged: z.int() },
      }),
      bytes_added: bytes,
      bytes_removed: bytes,
      items: z.array(
        z.object({
          path: z.string(),
          type: z.string(),
          change: z
            .enum(['added', 'removed', 'changed', 'attributes'])
            .describe('attributes: only owner, mode or time'),
          size_bytes: bytes.nullable(),
          size_bytes_before: bytes.nullable(),
        }),
      ),
      next: z.string().nullable(),
    })
    .nullable()
    .describe('null unless an artifact is named'),
});

export const deleteQuery = z.strictObject({
  confirm_delete: z.literal('true', 'must be true'),
  last_good: z
    .enum(['true', 'false'])
    .default('false')
    .describe('also when it is the last good one of its plan'),
});

export const previewRequest = z.strictObject({
  retention: retentionRules.optional().describe('instead of those of the plan'),
  destinations: z
    .record(documentName, retentionRules)
    .optional()
    .describe('instead of those that the plan has for a destination'),
});
export const retentionPreview = z.object({
  plan: z.string(),
  destinations: z.array(
    z.object({
      destination: z.string(),
      error: z.object({ code: z.string(), message: z.string(), next: z.string() }).nullable(),
      kept: z.int(),
      going: z.int(),
      items: z.array(
        z.object({
          id,
          timestamp: time,
          part: z.string().nullable(),
          tenant_id: tenantId,
          type: backupType,
          status: z.string(),
          action: z.enum(['keep', 'remove']),
          reasons: z.array(z.object({ code: z.string(), text: z.string() })).describe('at least one'),
        }),
      ),
    }),
  ),
});
