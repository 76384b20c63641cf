import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { codeOf } from '../../base/errors.ts';
import { sqlFollower } from './sql-facts.ts';
import { sqlScript } from './sql-script.ts';

/** What a script is told apart into, however it is split. */
function eventsOf(text: string, step: number) {
  const script = sqlScript();
  const bytes = Buffer.from(text);
  const events: string[] = [];
  const add = (kind: string, part: string) => {
    const last = events.at(-1);
    if (kind === 'rows' && last?.startsWith('rows ')) events[events.length - 1] = last + part;
    else events.push(`${kind} ${part}`);
  };
  for (let at = 0; at < bytes.length; at += step) {
    for (const event of script.push(Buffer.from(bytes.subarray(at, at + step)))) {
      if (event.kind === 'rows') add('rows', event.bytes.toString());
      else if (event.kind === 'meta') add('meta', event.line);
      else if (event.kind === 'copy-end') add('copy-end', '');
      else add(event.kind, event.sql.toString().trim());
    }
  }
  const { rest, isWhole } = script.end();
  return { events, rest: rest.toString(), isWhole };
}

const TRICKY = [
  [
    "select ';', 'it''s; fine', e'a\\';b', \"col;umn\";",
    ["statement select ';', 'it''s; fine', e'a\\';b', \"col;umn\";"],
  ],
  [
    'select 1; select $$a;b$$; select $x$ $$; $x$;',
    ['statement select 1;', 'statement select $$a;b$$;', 'statement select $x$ $$; $x$;'],
  ],
  ['/* a; /* nested; */ b; */ select 1;', ['statement /* a; /* nested; */ b; */ select 1;']],
  ['select 1 -- not; here\n;', ['statement select 1 -- not; here\n;']],
  [
    'create rule r as on insert to t do also (select 1; select 2);',
    ['statement create rule r as on insert to t do also (select 1; select 2);'],
  ],
  [
    'create function f() returns int language sql begin atomic select 1; select case when true then 2 end; end; select 3;',
    [
      'statement create function f() returns int language sql begin atomic select 1; select case when true then 2 end; end;',
      'statement select 3;',
    ],
  ],
  ['begin; select 1; end;', ['statement begin;', 'statement select 1;', 'statement end;']],
  ["select 'a\n\\! touch x\nb';", ["statement select 'a\n\\! touch x\nb';"]],
  ['select a$b, $1 from t;', ['statement select a$b, $1 from t;']],
  ['\\! id\nselect 1;\n  \\connect x', ['meta \\! id', 'statement select 1;', 'meta \\connect x']],
  [
    'COPY t (a, "b;c") FROM stdin;\n1\t;\n\\\\.\n\\.\nselect 1;',
    ['copy COPY t (a, "b;c") FROM stdin;', 'rows 1\t;\n\\\\.\n', 'copy-end ', 'statement select 1;'],
  ],
  [
    '-- a comment; here\ncopy t from STDIN;\n\\.\n',
    ['copy -- a comment; here\ncopy t from STDIN;', 'copy-end '],
  ],
  [
    'copy t from stdin;\r\n1\r\n\\.\r\nselect 1;',
    ['copy copy t from stdin;', 'rows 1\r\n', 'copy-end ', 'statement select 1;'],
  ],
] as const;

describe('a SQL script is told apart as psql does', () => {
  for (const [text, expected] of TRICKY) {
    test(text.slice(0, 60).replaceAll('\n', ' '), () => {
      for (const step of [1, 3, 1 << 16]) {
        const { events, isWhole } = eventsOf(`${text}\n`, step);
        // A comment before a statement may stand with it or be left out.
        const plain = events.map((event) => event.replace(/^(copy|statement) -- a comment; here\n/, '$1 '));
        assert.deepEqual(
          plain,
          expected.map((event) => event.replace('-- a comment; here\n', '')),
          `in pieces of ${step}`,
        );
        assert.ok(isWhole);
      }
    });
  }

  test('one that ends in the middle is not whole', () => {
    for (const text of ["select 'a", 'select $$a', '/* a', 'copy t from stdin;\n1\n', 'select "a'])
      assert.equal(eventsOf(`${text}\n`, 1 << 16).isWhole, false, text);
    assert.equal(eventsOf('copy t from stdin;\n1\n\\.', 7).isWhole, true);
    assert.equal(eventsOf('select 1', 3).rest, 'select 1');
  });

  test('rows are counted and hashed as in an archive; a dump without its last line is cut', () => {
    const head = '--\n-- PostgreSQL database dump\n--\n\n';
    const tail = '--\n-- PostgreSQL database dump complete\n--\n';
    const body = 'COPY public."T" (a) FROM stdin;\n1\n2\n\\.\n';
    const follow = (text: string) => {
      const follower = sqlFollower();
      follower.push(Buffer.from(text));
      return follower.end();
    };
    const facts = follow(head + body + tail);
    assert.deepEqual(
      [facts.madeBy, facts.tables.map(({ table, rows }) => [table, rows])],
      ['pg_dump', [['public."T"', 2]]],
    );
    assert.equal(facts.tables[0]!.sha256, 'a6e2b7a040683432de03a18fd8a1939a2fdf82585b364bfc874bdd4095c4cae1');
    assert.throws(
      () => follow(head + body),
      (error) => codeOf(error) === 'source_damaged',
    );
    assert.equal(follow(body).madeBy, null);
  });
});
