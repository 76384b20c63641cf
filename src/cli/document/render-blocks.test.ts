import assert from 'node:assert/strict';
import { test } from 'node:test';
import { code, heading, list, table, text } from './blocks.ts';
import { asHtml, asMarkdown } from './render-blocks.ts';

const HOSTILE = '<img src=x onerror=alert(1)> | `a` \u202e [x](javascript:alert(1))';

test('nothing that an operator named becomes markup', () => {
  const blocks = [
    heading(1, HOSTILE),
    text(HOSTILE),
    list([HOSTILE]),
    table(['a'], [[HOSTILE]]),
    code([HOSTILE]),
  ];
  const page = asHtml(HOSTILE, blocks);
  assert.doesNotMatch(page, /<img|\u202e/);
  const markdown = asMarkdown([
    heading(1, HOSTILE),
    text(HOSTILE),
    list([HOSTILE]),
    table(['a'], [[HOSTILE]]),
  ]);
  assert.doesNotMatch(markdown, /(?<!\\)<img|(?<!\\)\[x|\u202e/);
  assert.equal(markdown.match(/(?<!\\)\|/g)?.length, 2 + 2 + 2, 'cells of the table, and no more');
});

test('a fence is longer than any run of backticks inside of it', () => {
  assert.match(asMarkdown([code(['echo ````'])]), /^`{5}sh\necho ````\n`{5}\n$/);
});
