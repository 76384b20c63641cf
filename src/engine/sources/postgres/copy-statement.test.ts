import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCopyStatement } from './copy-statement.ts';

test('reads what pg_dump writes', () => {
  assert.deepEqual(parseCopyStatement('COPY public.t (id, "select", "a ""b"" \n c") FROM stdin;\n'), {
    table: 'public.t',
    schema: 'public',
    name: 't',
    columns: '(id, "select", "a ""b"" \n c")',
  });
  assert.deepEqual(parseCopyStatement('COPY "S ü"."x;--"  FROM stdin;\n'), {
    table: '"S ü"."x;--"',
    schema: 'S ü',
    name: 'x;--',
    columns: '',
  });
});

test('refuses every other statement', () => {
  for (const statement of [
    '',
    'COPY t FROM stdin;',
    "COPY public.t FROM '/etc/passwd';",
    "COPY public.t FROM PROGRAM 'touch canary';",
    'COPY public.t  FROM stdin; DROP TABLE x;',
    "COPY public.t (a) FROM stdin; COPY public.t FROM PROGRAM 'id';\n",
    'COPY public.t (a) FROM stdin WITH (FORMAT binary);',
    'COPY public.t (a, (select 1)) FROM stdin;',
    'COPY public.t (a) TO stdout;',
    'COPY (select 1) TO stdout;',
    'COPY "a"b"."t" (a) FROM stdin;',
    'COPY public."t (a) FROM stdin;',
    'DROP TABLE public.t; COPY public.t (a) FROM stdin;',
  ]) {
    assert.equal(parseCopyStatement(statement), null, statement);
  }
});

test('reads a statement of many columns in no noticeable time', () => {
  const columns = Array.from({ length: 1600 }, (_, i) => `"column ""${i}"""`).join(', ');
  assert.equal(parseCopyStatement(`COPY public.t (${columns}) FROM stdin;`)?.columns, `(${columns})`);
  assert.equal(parseCopyStatement(`COPY public.t (${columns}, ) FROM stdin;`), null);
});
