/** Finds the server binaries of PostgreSQL for throwaway clusters. Free of node:test: demos use it as well. */
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const SERVER_TOOLS = ['initdb', 'postgres', 'pg_dump', 'psql'];

/** The newest folder that holds server and clients, or null. */
export function findPostgresBinaries(): string | null {
  const packaged = versionFolders('/usr/lib/postgresql').map((version) =>
    join('/usr/lib/postgresql', version, 'bin'),
  );
  const onPath = (process.env.PATH ?? '').split(delimiter);
  return [...packaged, ...onPath].find(isComplete) ?? null;
}

function versionFolders(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).sort((a, b) => Number(b) - Number(a));
}

function isComplete(folder: string): boolean {
  return folder !== '' && SERVER_TOOLS.every((tool) => existsSync(join(folder, tool)));
}
