import { z } from 'zod';
import { BACKUP_TYPES } from '../base/backup-type.ts';
import { isId } from '../base/ids.ts';
import type { Content, JsonValue } from '../sources/port.ts';
import { REF_BYTES } from './refs.ts';

/** Writers nest above 256 references; a reader allows slack for other writers, but no flood. */
const MAX_INLINE_REFS = 4096;
export const MAX_CONTENT_DEPTH = 4;

const TENANT = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/** True for a tenant id that can be part of a path. `global` is the place of backups without a tenant. */
export function isTenantId(text: string): boolean {
  return TENANT.test(text) && text !== 'global';
}

const idSchema = z.string().refine(isId, 'must be a UUIDv7');
const timeSchema = z.iso.datetime({ precision: 3 });
const sizeSchema = z.int().min(0);
const jsonSchema: z.ZodType<JsonValue> = z.json();
const factsSchema = z.record(z.string(), jsonSchema);

/** Decodes only the one canonical spelling, so that a content has exactly one text form. */
const refsSchema = z.string().transform((text, context): Buffer => {
  const refs = Buffer.from(text, 'base64url');
  const whole = refs.length % REF_BYTES === 0 && refs.length <= MAX_INLINE_REFS * REF_BYTES;
  if (!whole || refs.toString('base64url') !== text) {
    context.addIssue({ code: 'custom', message: 'must be whole chunk references in base64url' });
    return z.NEVER;
  }
  return refs;
});

const contentSchema = z.object({
  sizeBytes: sizeSchema,
  depth: z.int().min(0).max(MAX_CONTENT_DEPTH),
  refs: refsSchema,
});

const artifactSchema = z.object({
  /** Unique within the backup. */
  name: z.string().min(1),
  /** Name of the source it came from. */
  source: z.string(),
  kind: z.string(),
  form: z.enum(['stream', 'tree']),
  /** Bytes a person would call its size: of the stream, or of all file contents of a tree. */
  sizeBytes: sizeSchema,
  /** Hex, of the plain bytes; for a tree, of its record stream. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  content: contentSchema,
  facts: factsSchema,
});

const problemSchema = z.object({
  artifact: z.string(),
  /** Empty when the problem is the artifact as a whole. */
  path: z.string(),
  cause: z.string(),
  message: z.string(),
});

export const manifestSchema = z.object({
  version: z.literal(1),
  id: idSchema,
  repositoryId: z.string(),
  /** Null for a backup made without a plan. */
  plan: z.string().min(1).nullable(),
  /** Null for the global scope. */
  tenantId: z.string().refine(isTenantId, 'is not a valid tenant id').nullable(),
  type: z.enum(BACKUP_TYPES),
  /** False when something named in `problems` could not be read. */
  complete: z.boolean(),
  startedAt: timeSchema,
  finishedAt: timeSchema,
  host: z.string(),
  /** Name and version of the program that wrote it. */
  program: z.string(),
  /** Versions of the client tools used. */
  tools: z.record(z.string(), z.string()),
  /** Id of the backup whose tree was merged with, null for none. */
  previous: idSchema.nullable(),
  artifacts: z.array(artifactSchema),
  problems: z.array(problemSchema),
  statistics: factsSchema,
  /** Newest entry of the ledger when the backup was made, null where no ledger is kept. */
  ledgerHead: z.string().nullable(),
});

/** One backup. `content.refs` are bytes here and base64url in the stored JSON. */
export type Manifest = z.output<typeof manifestSchema>;
export type ManifestArtifact = Manifest['artifacts'][number];
export type ManifestProblem = Manifest['problems'][number];

/** True for a backup made from a dump of another program: retention never takes it for the last good one. */
export function isImported({ artifacts }: Pick<Manifest, 'artifacts'>): boolean {
  return artifacts.some(({ facts }) => facts.imported !== undefined);
}

/** The plan of backups that a restore makes of what it replaces: no rule of another plan removes them. */
export const SAFETY_PLAN = 'before-restore';

/** Plans of archives of table rows begin so: what they hold is nowhere else. */
export const TABLE_ARCHIVE_PREFIX = 'table-archive.';

export const isTableArchive = ({ plan }: Pick<Manifest, 'plan'>): boolean =>
  plan?.startsWith(TABLE_ARCHIVE_PREFIX) === true;

/** Such a backup is restored by its id: `latest` means what a plan or a person backed up. */
export const isApart = ({ plan }: Pick<Manifest, 'plan'>): boolean =>
  plan === SAFETY_PLAN || isTableArchive({ plan });

/** What a run hands over to be committed; the repository adds version, its own id and, when missing, the backup id. */
export type ManifestDraft = Omit<Manifest, 'version' | 'repositoryId' | 'id'> & { readonly id?: string };

/** The JSON bytes that get signed. */
export function encodeManifest(manifest: Manifest): Buffer {
  const plainContent = (content: Content) => ({
    sizeBytes: content.sizeBytes,
    depth: content.depth,
    refs: Buffer.from(content.refs).toString('base64url'),
  });
  const artifacts = manifest.artifacts.map((artifact) => ({
    ...artifact,
    content: plainContent(artifact.content),
  }));
  return Buffer.from(JSON.stringify({ ...manifest, artifacts }));
}

/** Null when the bytes are not a manifest of version 1; fields this version does not know are dropped. */
export function decodeManifest(json: Uint8Array): Manifest | null {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(json).toString('utf8'));
  } catch {
    return null;
  }
  const parsed = manifestSchema.safeParse(value);
  return parsed.success ? parsed.data : null;
}
