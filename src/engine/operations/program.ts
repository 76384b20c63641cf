import { readFileSync } from 'node:fs';

/** Name and version of this program, as manifests record it. */
export const PROGRAM = `holdfast ${versionOf()}`;

function versionOf(): string {
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
