/** What may be written beside a database's own artifact, in the same moment: answers of queries, and rows of named tables. */

export interface Extract {
  /** File name of the artifact, such as `vault-public-keys.csv`. */
  readonly name: string;
  /** One statement that gives rows. It is run in a read-only transaction. */
  readonly query: string;
  readonly format: 'csv' | 'ndjson';
}

export interface Extras {
  readonly extracts?: readonly Extract[];
  /** `audit_log` or `schema.audit_log`: each becomes `tables/<name>.ndjson`. */
  readonly tables?: readonly string[];
  /** How long one extract or table may take. Default an hour. */
  readonly extrasTimeoutMs?: number;
  /** Leaves out the database itself: for table dumps on their own. Default false. */
  readonly extrasOnly?: boolean;
}

export const EXTRAS_TIMEOUT_MS = 3_600_000;

/** The artifact of a table dump: what could lead out of a folder or be mistaken for one is percent-encoded. */
export function tableArtifactName(table: string): string {
  const plain = /[\p{L}\p{N}_.-]/u;
  const encoded = [...table].map((letter) => (plain.test(letter) ? letter : percent(letter))).join('');
  return `tables/${encoded.startsWith('.') ? encoded.replace('.', '%2E') : encoded}.ndjson`;
}

const percent = (letter: string) =>
  [...Buffer.from(letter)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
