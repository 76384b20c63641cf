import { HoldfastError } from '../../base/errors.ts';
import type { ArtifactReader } from '../port.ts';
import { type CsvArtifact, readSchema } from './copy-restore.ts';
import { copiedColumns, SCHEMA_ARTIFACT } from './copy-session.ts';
import type { TenantOptions } from './tenant-rules.ts';
import { rootOf } from './tenant-session.ts';
import type { TenantRows } from './tenant-stage.ts';

/**
 * The export of one tenant as a backup holds it: whose it is, by which rules, and its rows. A null tenant is an export of every one.
 * Throws `item_unknown` for an artifact that is missing, `object_damaged`.
 */
export async function readTenantExport(
  reader: ArtifactReader,
  artifacts: readonly CsvArtifact[],
): Promise<{ readonly tenant: TenantOptions | null; readonly files: readonly TenantRows[] }> {
  const named = (name: string) => {
    const found = artifacts.find((artifact) => artifact.name === name || artifact.name.endsWith(`-${name}`));
    if (!found) throw new HoldfastError('item_unknown', `the export holds no ${name}`);
    return found;
  };
  const schema = await readSchema(reader, named(SCHEMA_ARTIFACT));
  const files = schema.tables.flatMap((table): TenantRows[] => {
    if (table.artifact === null) return [];
    const { content } = named(table.artifact);
    const { schema: home, name } = rootOf(schema, table);
    const feed: TenantRows['feed'] = async (take) => {
      for await (const piece of reader.read(content)) await take(piece);
    };
    return [{ schema: home, name, columns: copiedColumns(table), feed }];
  });
  if (!schema.tenant) return { tenant: null, files };
  const { id, column, rules } = schema.tenant;
  return { tenant: { id, column, rules }, files };
}
