import { stringify } from 'yaml';
import type { CatalogDb } from '../catalog/types.ts';
import { storedConfig } from '../configuration/documents.ts';
import { withHidden } from '../configuration/hidden-values.ts';

const HEAD = `# Configuration of this Holdfast, as its catalog has it. Secrets stand here by the name of a variable or file only;
# *** hides a value of a check of a drill, and stands for what is stored.
# holdfast config diff shows what differs from the catalog, holdfast config apply makes the catalog equal.
`;

/** The stored plans, sources and destinations as the text of a `holdfast.yaml`. Applying it changes nothing. */
export async function exportFile(db: CatalogDb): Promise<string> {
  const stored = await storedConfig(db);
  const plans = Object.entries(stored.plans).map(([name, plan]) => [name, withHidden('plan', plan)]);
  const config = JSON.parse(JSON.stringify({ ...stored, plans: Object.fromEntries(plans) })) as unknown;
  return HEAD + stringify(config, { lineWidth: 0 });
}
