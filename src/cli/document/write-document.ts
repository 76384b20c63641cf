import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { HoldfastError, systemCode } from '../../engine/base/errors.ts';
import type { Cli, CommandResult } from '../cli.ts';
import { printable } from '../format.ts';
import { mask } from '../mask.ts';
import type { Block } from './blocks.ts';
import { asHtml, asMarkdown } from './render-blocks.ts';

export interface DocumentOptions {
  readonly format?: 'md' | 'html';
  readonly output?: string;
}

/** The document to standard output, or whole to a new file 0600. Secrets are masked. Throws `target_not_empty`, `target_failed`. */
export async function documentResult(
  cli: Cli,
  document: { readonly title: string; readonly blocks: readonly Block[]; readonly json: unknown },
  { format, output }: DocumentOptions,
): Promise<CommandResult> {
  const isHtml = format === 'html' || (format === undefined && /\.html?$/i.test(output ?? ''));
  const content = mask(isHtml ? asHtml(document.title, document.blocks) : asMarkdown(document.blocks));
  if (output === undefined) return { json: document.json, text: content };
  const file = resolve(cli.io.folder, output);
  try {
    await writeFile(file, content, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if (systemCode(error) === 'EEXIST') {
      throw new HoldfastError('target_not_empty', `${file} is there already`, { next: 'name another file' });
    }
    throw new HoldfastError('target_failed', `${file} could not be written: ${systemCode(error)}`, {
      cause: error,
    });
  }
  return { json: { ...(document.json as object), file }, text: `${document.title}: ${printable(file)}\n` };
}
