import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from './config-file.ts';
import { withInheritedRetention } from './inherited-retention.ts';

const FILE = `settings: { retention.days: 90 }
tenants:
  acme: { settings: { retention.days: 30, retention.versions: 5 } }
sources: { app: { kind: sqlite, path: a } }
plans:
  all: { sources: [app] }
  theirs: { sources: [app], tenantId: acme }
  unknown: { sources: [app], tenantId: constructor }
  own: { sources: [app], tenantId: acme, retention: { keepLast: 3 } }
`;

test('a plan that says nothing keeps what the settings of its tenant, or of all, say', () => {
  const read = parseConfig(FILE);
  assert.ok('config' in read, JSON.stringify(read));
  const { plans } = withInheritedRetention(read.config);
  assert.deepEqual(
    Object.entries(plans).map(([name, { retention }]) => [name, retention]),
    [
      ['all', { days: 90 }],
      ['theirs', { days: 30, versions: 5 }],
      ['unknown', { days: 90 }],
      ['own', { keepLast: 3 }],
    ],
  );
  assert.deepEqual(read.config.plans.all!.retention, {}, 'what was read stays as it is written');
});

test('without settings nothing is said, and the defaults hold', () => {
  const read = parseConfig(FILE.replace(/settings: \{[^}]*\}/g, 'settings: {}'));
  assert.ok('config' in read, JSON.stringify(read));
  assert.deepEqual(withInheritedRetention(read.config), read.config);
});
