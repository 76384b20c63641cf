import assert from 'node:assert/strict';
import { userInfo } from 'node:os';
import { test } from 'node:test';
import { codeOf } from '../../base/errors.ts';
import { connectionVariables, describeAddress, parsePostgresAddress, tlsChoices } from './address.ts';

test('reads addresses as libpq does', () => {
  const cases: [string, Partial<ReturnType<typeof parsePostgresAddress>>][] = [
    [
      'postgres://ann:s3cret@db.example:6543/app',
      { host: 'db.example', port: 6543, user: 'ann', password: 's3cret', database: 'app' },
    ],
    [
      'postgresql://ann@db.example',
      { host: 'db.example', port: 5432, user: 'ann', password: '', database: 'ann' },
    ],
    ['postgres://a%40b:p%3A%2F%40w@h/d%20b', { user: 'a@b', password: 'p:/@w', database: 'd b' }],
    ['postgres://u:p@ss@h/d', { user: 'u', password: 'p@ss', host: 'h' }],
    [
      'postgres:///app?host=/run/pg&port=5433&user=bob',
      { host: '/run/pg', port: 5433, user: 'bob', database: 'app' },
    ],
    ['postgres://u:p@%2Frun%2Fpg:5434/app', { host: '/run/pg', port: 5434 }],
    ['postgres://u@[::1]:5435/app', { host: '::1', port: 5435 }],
    [
      'postgres://',
      { host: '/var/run/postgresql', user: userInfo().username, database: userInfo().username },
    ],
    ['postgres://h/d?dbname=other&password=x', { database: 'other', password: 'x' }],
  ];
  for (const [url, wanted] of cases) {
    const address = parsePostgresAddress(url);
    for (const [name, value] of Object.entries(wanted)) {
      assert.equal(address[name as keyof typeof address], value, `${name} of ${url}`);
    }
  }
});

test('refuses what is not an address without repeating it', () => {
  for (const url of [
    'mysql://a:geheim@h/d',
    'postgres://a:geheim@h:0/d',
    'postgres://a:geheim@h:x/d',
    'postgres://a:geheim@h1,h2/d',
    'postgres://a:geheim%@h/d',
    'a:geheim@h',
  ]) {
    assert.throws(
      () => parsePostgresAddress(url),
      (error: Error) => codeOf(error) === 'config_invalid' && !error.message.includes('geheim'),
      url,
    );
  }
});

test('passes libpq parameters to tools by variables and leaves others out', () => {
  const url =
    'postgres://u:pw@h/d?sslmode=verify-full&sslrootcert=/ca.pem&options=-c%20geqo%3Doff&schema=public&pgbouncer=true';
  assert.deepEqual(connectionVariables(parsePostgresAddress(url)), {
    PGHOST: 'h',
    PGPORT: '5432',
    PGUSER: 'u',
    PGDATABASE: 'd',
    PGPASSWORD: 'pw',
    PGSSLMODE: 'verify-full',
    PGSSLROOTCERT: '/ca.pem',
    PGOPTIONS: '-c geqo=off',
  });
  assert.equal(describeAddress(parsePostgresAddress(url)), 'postgres://u@h:5432/d');
});

test('chooses TLS by libpq’s meaning of sslmode', () => {
  const choices = (query: string) => tlsChoices(parsePostgresAddress(`postgres://u@h/d${query}`));
  assert.deepEqual(choices(''), [{ rejectUnauthorized: false }, false]);
  assert.deepEqual(choices('?sslmode=disable'), [false]);
  assert.deepEqual(choices('?sslmode=require'), [{ rejectUnauthorized: false }]);
  assert.deepEqual(choices('?sslmode=verify-full'), [{}]);
  assert.deepEqual(choices('?ssl=true'), [{ rejectUnauthorized: false }]);
  assert.deepEqual(tlsChoices(parsePostgresAddress('postgres:///d?host=/run&sslmode=require')), [false]);
  assert.throws(() => choices('?sslmode=verify-full&sslrootcert=/no/such.pem'), { code: 'config_invalid' });
});
