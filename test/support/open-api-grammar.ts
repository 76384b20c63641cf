/**
 * What OpenAPI 3.1.0 says that a description is made of, as far as ours goes: fields that are not in it, and values of another
 * form, are mistakes. Schemas are JSON Schema 2020-12; here their keywords are looked at, elsewhere answers are held against them.
 */
import { z } from 'zod';

const reference = z.strictObject({ $ref: z.string().regex(/^#\/components\//) });
const names = z.array(z.string());
const whole = z.int().min(0);

const schema: z.ZodType = z.lazy(() => z.union([z.boolean(), keywords]));
const schemas = z.record(z.string(), schema);
const type = z.enum(['null', 'boolean', 'object', 'array', 'number', 'string', 'integer']);
const keywords = z
  .strictObject({
    ...{ $ref: z.string().regex(/^#\/components\/schemas\//), $id: z.string(), $comment: z.string() },
    ...{ title: z.string(), description: z.string(), default: z.unknown(), examples: z.array(z.unknown()) },
    ...{ readOnly: z.boolean(), writeOnly: z.boolean(), deprecated: z.boolean() },
    ...{ type: z.union([type, z.array(type).min(1)]), enum: z.array(z.unknown()).min(1), const: z.unknown() },
    ...{
      allOf: z.array(schema).min(1),
      anyOf: z.array(schema).min(1),
      oneOf: z.array(schema).min(1),
      not: schema,
    },
    ...{
      properties: schemas,
      patternProperties: schemas,
      additionalProperties: schema,
      propertyNames: schema,
    },
    ...{ required: names, minProperties: whole, maxProperties: whole },
    ...{
      items: schema,
      prefixItems: z.array(schema),
      minItems: whole,
      maxItems: whole,
      uniqueItems: z.boolean(),
    },
    ...{ minLength: whole, maxLength: whole, pattern: z.string(), format: z.string() },
    ...{ contentEncoding: z.string(), contentMediaType: z.string() },
    ...{ minimum: z.number(), maximum: z.number(), multipleOf: z.number().positive() },
    ...{ exclusiveMinimum: z.number(), exclusiveMaximum: z.number() },
  })
  .partial();

const mediaTypes = z.record(z.string().regex(/^[\w.+*-]+\/[\w.+*-]+$/), z.strictObject({ schema }));
const parameter = z
  .strictObject({
    ...{ name: z.string().min(1), in: z.enum(['path', 'query', 'header', 'cookie']), schema },
    ...{ required: z.boolean().optional(), description: z.string().optional() },
  })
  .refine((one) => one.in !== 'path' || one.required === true, 'a parameter of the path is required');
const response = z.strictObject({ description: z.string(), content: mediaTypes.optional() });
const requirement = z.record(z.string(), names);

const operation = z.strictObject({
  ...{ operationId: z.string().regex(/^[A-Za-z][A-Za-z0-9]*$/), summary: z.string(), tags: names.min(1) },
  ...{ description: z.string().optional(), security: z.array(requirement) },
  parameters: z.array(parameter).optional(),
  requestBody: z.strictObject({ content: mediaTypes, required: z.boolean().optional() }).optional(),
  responses: z.record(z.string().regex(/^([1-5]\d\d|default)$/), z.union([reference, response])),
});
/** A body of a GET has no meaning. */
const reading = operation.omit({ requestBody: true });

const securityScheme = z.union([
  z.strictObject({ type: z.literal('http'), scheme: z.string(), description: z.string().optional() }),
  z.strictObject({
    ...{ type: z.literal('apiKey'), in: z.enum(['query', 'header', 'cookie']), name: z.string() },
    description: z.string().optional(),
  }),
]);

export const openApiGrammar = z
  .strictObject({
    openapi: z.literal('3.1.0'),
    info: z.strictObject({ title: z.string(), version: z.string(), description: z.string().optional() }),
    tags: z.array(z.strictObject({ name: z.string(), description: z.string().optional() })),
    components: z.strictObject({
      securitySchemes: z.record(z.string(), securityScheme),
      schemas,
      responses: z.record(z.string(), response),
    }),
    paths: z.record(
      z.string().startsWith('/'),
      z.strictObject({
        ...{ get: reading.optional(), head: reading.optional(), post: operation.optional() },
        ...{ put: operation.optional(), patch: operation.optional(), delete: operation.optional() },
      }),
    ),
  })
  .superRefine(({ tags, components, paths }, context) => {
    const tagged = new Set(tags.map(({ name }) => name));
    for (const [path, methods] of Object.entries(paths)) {
      for (const one of Object.values(methods)) {
        const wrong = [
          ...(one?.tags ?? []).filter((tag) => !tagged.has(tag)),
          ...(one?.security ?? [])
            .flatMap(Object.keys)
            .filter((name) => !(name in components.securitySchemes)),
        ];
        for (const name of wrong)
          context.addIssue({ code: 'custom', message: `${path}: ${name} is declared nowhere` });
      }
    }
  });
