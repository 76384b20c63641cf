import { stringify } from 'yaml';
import type { CatalogDb } from '../catalog/types.ts';
import { storedConfig } from '../configuration/documents.ts';

const HEAD = `# Configuration of this Holdfast, as its catalog has it. Secrets stand here by the name of a variable or file only.
# holdfast config diff shows what differs from the catalog, holdfast config apply makes the catalog equal.
`;

/** The stored plans, sources and destinations as the text of a `holdfast.yaml`. Applying it changes nothing. */
export async function exportFile(db: CatalogDb): Promise<string> {
  const config = JSON.parse(JSON.stringify(await storedConfig(db))) as unknown;
  return HEAD + stringify(config, { lineWidth: 0 });
}
