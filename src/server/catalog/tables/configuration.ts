/** Tenants, settings, and the stored plans, sources and destinations. */
export interface ConfigurationTables {
  tenants: TenantsTable;
  settings: SettingsTable;
  documents: DocumentsTable;
  document_versions: DocumentVersionsTable;
  file_marks: FileMarksTable;
}

export interface TenantsTable {
  /** The operator's own id, as it stands in paths and manifests: a UUID or a name. */
  id: string;
  name: string;
  created_at: number;
  /** Null while the tenant is in use. */
  archived_at: number | null;
}

/** Who wrote something: a person in the UI, a program through the API, or a file by `config apply`. */
export type Origin = 'ui' | 'api' | 'cli' | 'file';

export interface SettingsTable {
  /** A tenant's id, or `*` for all. */
  scope: string;
  key: string;
  /** JSON. */
  value: string;
  origin: Origin;
  updated_at: number;
  updated_by: string | null;
}

export type DocumentKind = 'plan' | 'source' | 'destination' | 'channel';

export interface DocumentsTable {
  id: string;
  kind: DocumentKind;
  /** Unique for its kind among those that are not deleted. */
  name: string;
  /** Null for global. */
  tenant_id: string | null;
  /** JSON as `contracts/config.ts` has it; secrets only by the name of a variable or file. */
  body: string;
  /** From 1, up by one at every change. */
  version: number;
  origin: Origin;
  created_at: number;
  updated_at: number;
  updated_by: string | null;
  deleted_at: number | null;
}

/** Every version a document had. */
export interface DocumentVersionsTable {
  document_id: string;
  version: number;
  /** Null for the version that deleted it. */
  body: string | null;
  origin: Origin;
  written_at: number;
  written_by: string | null;
}

/** A setting or tenant that a file once wrote: documents tell it by their versions. */
export interface FileMarksTable {
  kind: 'tenant' | 'setting';
  /** A tenant's id, a setting's key, or `acme/retention.days` for a tenant's. */
  name: string;
  /** Of the last change or removal. */
  origin: Origin;
  changed_at: number;
  changed_by: string | null;
}
