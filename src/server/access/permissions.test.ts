import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allowedTenants, type Identity, isAllowed } from './identity.ts';
import { mayGive, PERMISSIONS, roleAllows } from './permissions.ts';

const nobody: Identity = {
  ...{ userId: 'u', userName: 'u', role: null, tenantRoles: new Map() },
  ...{ session: null, token: null, scopes: null, onlyTenant: null },
};

test('each role may what the one below may, and nobody is owner by somebody else', () => {
  for (const permission of PERMISSIONS) {
    if (roleAllows('viewer', permission)) assert.ok(roleAllows('operator', permission), permission);
    if (roleAllows('operator', permission)) assert.ok(roleAllows('admin', permission), permission);
    assert.ok(roleAllows('owner', permission));
  }
  for (const dangerous of ['users:write', 'plans:write', 'backups:restore', 'backups:download'] as const) {
    assert.ok(!roleAllows('operator', dangerous), dangerous);
  }
  assert.ok(!mayGive('owner', 'owner'));
  assert.ok(!mayGive('operator', 'viewer'));
  assert.ok(!mayGive(null, 'viewer'));
  assert.ok(mayGive('admin', 'admin'));
});

test('a role in a tenant says nothing about others, nor about what belongs to none', () => {
  const one: Identity = { ...nobody, tenantRoles: new Map([['acme', 'admin']]) };
  assert.ok(isAllowed(one, 'plans:write', 'acme'));
  assert.ok(!isAllowed(one, 'plans:write', 'rival'));
  assert.ok(!isAllowed(one, 'plans:write', null));
  assert.deepEqual(allowedTenants(one, 'plans:write'), ['acme']);
  assert.deepEqual(allowedTenants(nobody, 'plans:read'), []);
});

test('a token never does more than its scopes, its tenant and its user allow', () => {
  const admin: Identity = { ...nobody, role: 'admin' };
  assert.equal(allowedTenants(admin, 'plans:write'), null);
  const token: Identity = { ...admin, scopes: new Set(['plans:read']), onlyTenant: 'acme' };
  assert.ok(isAllowed(token, 'plans:read', 'acme'));
  assert.ok(!isAllowed(token, 'plans:read', null));
  assert.ok(!isAllowed(token, 'plans:write', 'acme'));
  const reduced: Identity = { ...token, role: null };
  assert.ok(!isAllowed(reduced, 'plans:read', 'acme'), 'its user lost the role');
});
