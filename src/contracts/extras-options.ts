/** What a source takes of its extras; apart from their schemas, so that reading a plan loads none. */
import type { z } from 'zod';
import type { extraFields, tenantOptions } from './config-extras.ts';

type ExtraConfig = { readonly [K in keyof typeof extraFields]?: z.output<(typeof extraFields)[K]> };

/** As a source takes them. */
export function extrasOf({ extracts, tables, extrasTimeoutSeconds }: ExtraConfig) {
  const formatOf = (name: string) =>
    /\.(ndjson|jsonl)$/.test(name) ? ('ndjson' as const) : ('csv' as const);
  return {
    ...(extracts && {
      extracts: Object.entries(extracts).map(([name, { query, format }]) => ({
        ...{ name, query, format: format ?? formatOf(name) },
      })),
    }),
    ...(tables && { tables }),
    ...(extrasTimeoutSeconds !== undefined && { extrasTimeoutMs: extrasTimeoutSeconds * 1000 }),
  };
}

/** As a PostgreSQL source takes it. */
export function tenantOf({ tenant }: { readonly tenant?: z.output<typeof tenantOptions> | undefined }) {
  if (!tenant) return {};
  const { id = null, column, rules } = tenant;
  return { tenant: { id, column, rules } };
}
