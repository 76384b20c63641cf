import { readFileSync } from 'node:fs';

export type OwnerKind = 'user' | 'group';

export interface OwnerNames {
  /** The name of an id; empty when unknown. */
  name(kind: OwnerKind, id: number): string;
  /** The id of a name; null when unknown. */
  id(kind: OwnerKind, name: string): number | null;
}

function parse(path: string): [name: string, id: number][] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return [];
  }
  return text
    .split('\n')
    .map((line) => line.split(':'))
    .filter((fields) => fields.length >= 3 && /^\d+$/.test(fields[2]!))
    .map((fields) => [fields[0]!, Number(fields[2])]);
}

/** Reads the local user and group files once. Names from elsewhere (LDAP) stay unknown; ids are kept anyway. */
export function readOwnerNames(files = { user: '/etc/passwd', group: '/etc/group' }): OwnerNames {
  const tables = { user: parse(files.user), group: parse(files.group) };
  const table = (kind: OwnerKind) => {
    const pairs = tables[kind];
    // The first line of an id or a name wins, as in the C library.
    const names = new Map([...pairs].reverse().map(([name, id]) => [id, name]));
    const ids = new Map([...pairs].reverse());
    return { names, ids };
  };
  const known = { user: table('user'), group: table('group') };
  return {
    name: (kind, id) => known[kind].names.get(id) ?? '',
    id: (kind, name) => known[kind].ids.get(name) ?? null,
  };
}
