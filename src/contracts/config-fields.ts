import { configJsonSchema } from './config.ts';

interface SchemaNode {
  readonly properties?: Record<string, SchemaNode & { readonly const?: unknown }>;
  readonly additionalProperties?: SchemaNode | boolean;
  readonly items?: SchemaNode;
  readonly oneOf?: readonly SchemaNode[];
  readonly anyOf?: readonly SchemaNode[];
}

/** The fields that may stand at a path of a configuration; among alternatives, those of the `kind` that is written there. */
export function fieldsAt(path: readonly (string | number)[], value: unknown): string[] {
  let node: SchemaNode | undefined = configJsonSchema() as SchemaNode;
  let inner: unknown = value;
  const choose = (candidate: SchemaNode | undefined) =>
    candidate?.oneOf?.find((one) => one.properties?.kind?.const === (inner as { kind?: unknown })?.kind) ??
    candidate?.anyOf?.find((one) => one.properties) ??
    candidate;
  for (const part of path) {
    inner = (inner as Record<string | number, unknown> | null)?.[part];
    const more: SchemaNode | boolean | undefined = node?.additionalProperties;
    node = choose(node?.properties?.[part] ?? node?.items ?? (typeof more === 'object' ? more : undefined));
  }
  return Object.keys(node?.properties ?? {});
}
