import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { errorsDocument } from '../../scripts/documents.ts';
import { configJsonSchema } from '../../src/contracts/config.ts';
import { ERRORS } from '../../src/engine/base/errors.ts';
import { RETENTION_PRESETS, RETENTION_RULES } from '../../src/engine/operations/retention-rules.ts';

const docs = (name: string) => readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');

test('docs/errors.md is current (npm run docs)', () => {
  assert.equal(docs('errors.md'), errorsDocument());
});

test('docs/holdfast.schema.json is current (npm run docs)', () => {
  assert.deepEqual(JSON.parse(docs('holdfast.schema.json')), JSON.parse(JSON.stringify(configJsonSchema())));
});

test('messages of the registry are lower case, without full stop', () => {
  for (const [code, { what, next }] of Object.entries(ERRORS)) {
    for (const text of [what, next]) {
      assert.doesNotMatch(text, /\.$|^[A-Z](?![A-Z])/, `${code}: ${text}`);
    }
  }
});

test('the configuration offers exactly the retention rules and presets of the engine', () => {
  const schema = configJsonSchema() as {
    properties: {
      plans: {
        additionalProperties: {
          properties: { retention: { properties: Record<string, { enum?: string[] }> } };
        };
      };
    };
  };
  const { preset, ...rules } = schema.properties.plans.additionalProperties.properties.retention.properties;
  assert.deepEqual(preset!.enum, Object.keys(RETENTION_PRESETS));
  assert.deepEqual(Object.keys(rules).sort(), [...RETENTION_RULES].sort());
});
