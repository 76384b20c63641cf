/** What a backup holds: `db` databases, `storage` everything else, `full` both as one recovery unit. */
export const BACKUP_TYPES = ['db', 'storage', 'full'] as const;
export type BackupType = (typeof BACKUP_TYPES)[number];

/** Whether a source of a kind belongs into a backup of a type. What a command writes counts as files: nobody knows what it is. */
export function isOfType(kind: string | undefined, type: BackupType): boolean {
  return type === 'full' || typeOfKind(kind) === type;
}

/** What sources of these kinds together make. */
export function typeOfKinds(kinds: readonly string[]): BackupType {
  const types = new Set(kinds.map(typeOfKind));
  return types.size === 1 ? [...types][0]! : 'full';
}

function typeOfKind(kind: string | undefined): 'db' | 'storage' {
  return kind === 'sqlite' || kind === 'postgres' ? 'db' : 'storage';
}
