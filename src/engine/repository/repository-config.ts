import { z } from 'zod';
import { codeOf, HoldfastError } from '../base/errors.ts';
import { isId, newId } from '../base/ids.ts';
import type { Storage } from '../storage/port.ts';
import { CONFIG_NAME, FOLDERS } from './object-names.ts';

export const REPOSITORY_FORMAT = 1;

const configSchema = z.strictObject({
  format: z.literal(REPOSITORY_FORMAT),
  repositoryId: z.string().refine(isId),
  createdAt: z.iso.datetime({ precision: 3 }),
});

export type RepositoryConfig = z.infer<typeof configSchema>;

export function newConfig(nowMs: number): RepositoryConfig {
  return {
    format: REPOSITORY_FORMAT,
    repositoryId: newId(nowMs),
    createdAt: new Date(nowMs).toISOString(),
  };
}

export function encodeConfig(config: RepositoryConfig): Buffer {
  return Buffer.from(JSON.stringify(config));
}

/**
 * Throws `repository_newer` when a later format wrote it, `object_damaged` when it is not byte for byte what
 * a writer of this format writes.
 */
export function decodeConfig(bytes: Buffer): RepositoryConfig {
  const value = parseJson(bytes);
  const format = z.looseObject({ format: z.int() }).safeParse(value);
  if (format.success && format.data.format > REPOSITORY_FORMAT) {
    throw new HoldfastError('repository_newer', `config says format ${format.data.format}`);
  }
  const parsed = configSchema.safeParse(value);
  if (!parsed.success || !encodeConfig(parsed.data).equals(bytes)) {
    throw new HoldfastError('object_damaged', 'config is damaged');
  }
  return parsed.data;
}

/** Throws `repository_missing`, `repository_newer`, `object_damaged`, and `object_missing` for a repository that has lost it. */
export async function readConfig(storage: Storage): Promise<RepositoryConfig> {
  const bytes = await storage.get(CONFIG_NAME).catch(async (error: unknown) => {
    if (codeOf(error) !== 'object_missing') throw error;
    const rest = (await firstName(storage, FOLDERS.keyrings)) ?? (await firstName(storage, FOLDERS.packs));
    if (rest !== null) throw withoutConfig(storage, rest, error);
    const other = await firstName(storage, '');
    const holds = other === null ? '' : `, which holds ${other} and more`;
    throw new HoldfastError('repository_missing', `there is no repository at ${storage.address}${holds}`, {
      cause: error,
    });
  });
  const looksOurs = parseJson(bytes) !== null && bytes.includes('repositoryId');
  if (looksOurs || bytes.length === 0) return decodeConfig(bytes);
  throw new HoldfastError(
    'object_damaged',
    `config at ${storage.address} is damaged, or of another program`,
    {
      next: 'check that the address is right: give a repository a folder or bucket of its own; docs/operations.md, damage',
    },
  );
}

function withoutConfig({ address }: Storage, name: string, cause: unknown): HoldfastError {
  return new HoldfastError(
    'object_missing',
    `the repository at ${address} has lost its config; ${name} and more is there`,
    {
      cause,
      next: 'run holdfast verify --heal, which writes it anew, or put config back from another copy of the folder',
    },
  );
}

/** What a place holds below a folder; null for nothing, or a place that may not be listed. */
async function firstName(storage: Storage, folder: string): Promise<string | null> {
  try {
    for await (const { name } of storage.list(folder)) return name;
  } catch {
    // The question was another one.
  }
  return null;
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return null;
  }
}
