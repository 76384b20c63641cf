/** Blocks as Markdown, and as a page. Loaded when a document is written. */
import { asMarkup } from '../../engine/index.ts';
import type { Block } from './blocks.ts';

/** Control characters, and marks that turn the direction of writing around, are shown as what they are. */
const shown = (given: string) =>
  given.replace(/(?!\n)[\p{Cc}\p{Cf}]/gu, (character) => {
    return `\\u${character.codePointAt(0)!.toString(16).padStart(4, '0')}`;
  });

/** Names of an operator within a line: nothing in them is markup. */
const inMarkdown = (given: string) =>
  shown(given)
    .replace(/[\\*[\]<>|#`]|(?<!\w)_|_(?!\w)/g, (mark) => `\\${mark}`)
    .replace(/\n/g, ' ');

export function asMarkdown(blocks: readonly Block[]): string {
  return `${blocks.map(markdownOf).join('\n\n')}\n`;
}

function markdownOf(block: Block): string {
  switch (block.kind) {
    case 'heading':
      return `${'#'.repeat(block.level)} ${inMarkdown(block.text)}`;
    case 'text':
      return inMarkdown(block.text);
    case 'list':
      return block.items.map((item) => `- ${inMarkdown(item)}`).join('\n');
    case 'code': {
      const lines = block.lines.map(shown);
      const longest = Math.max(
        2,
        ...lines.flatMap((line) => [...line.matchAll(/`+/g)].map(([run]) => run.length)),
      );
      const fence = '`'.repeat(longest + 1);
      return [`${fence}sh`, ...lines, fence].join('\n');
    }
    case 'table': {
      const row = (cells: readonly string[]) => `| ${cells.map(inMarkdown).join(' | ')} |`;
      return [row(block.columns), `|${'---|'.repeat(block.columns.length)}`, ...block.rows.map(row)].join(
        '\n',
      );
    }
  }
}

const inHtml = (given: string) => asMarkup(shown(given));

const STYLE = `:root{color-scheme:light dark}body{margin:0 auto;padding:2rem 1.25rem 4rem;max-width:60rem;font:16px/1.5 system-ui,sans-serif}
h1{font-size:1.6rem}h2{font-size:1.2rem;margin-top:2.2rem}h3{font-size:1rem}table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:.35rem .6rem;border-bottom:1px solid;overflow-wrap:anywhere}
pre{white-space:pre-wrap;overflow-wrap:anywhere;border:1px solid;border-radius:.4rem;padding:.7rem}`;

/** One page without scripts that loads nothing. */
export function asHtml(title: string, blocks: readonly Block[]): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${inHtml(title)}</title><style>${STYLE}</style></head><body><main>
${blocks.map(htmlOf).join('\n')}
</main></body></html>
`;
}

function htmlOf(block: Block): string {
  switch (block.kind) {
    case 'heading':
      return `<h${block.level}>${inHtml(block.text)}</h${block.level}>`;
    case 'text':
      return `<p>${inHtml(block.text)}</p>`;
    case 'list':
      return `<ul>${block.items.map((item) => `<li>${inHtml(item)}</li>`).join('')}</ul>`;
    case 'code':
      return `<pre><code>${block.lines.map(inHtml).join('\n')}</code></pre>`;
    case 'table': {
      const cells = (tag: string, row: readonly string[]) =>
        `<tr>${row.map((cell) => `<${tag}>${inHtml(cell)}</${tag}>`).join('')}</tr>`;
      return `<table><thead>${cells('th', block.columns)}</thead><tbody>${block.rows.map((row) => cells('td', row)).join('')}</tbody></table>`;
    }
  }
}
