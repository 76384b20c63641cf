/** `npm run docs`: writes the documents that are made from code. A test fails while one is out of date. */
import { writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { configJsonSchema } from '../src/contracts/config.ts';
import { ERRORS, EXIT } from '../src/engine/base/errors.ts';
import { apiDescription } from '../src/server/http/api-description.ts';

const EXIT_MEANINGS: Record<keyof typeof EXIT, string> = {
  ok: 'everything asked for was done',
  failed: 'it was not done',
  usage: 'the command, the configuration or an id was not understood; nothing was done',
  incomplete: 'a backup was made, but something named could not be read',
  damaged: 'stored or restored bytes are not good',
  key: 'no key, or not the right one',
  unreachable: 'a destination or server does not answer or refuses access',
  unconfirmed: 'it would replace data and was not confirmed; nothing was done',
  skipped: 'a condition for the run was not met',
  copyMissing: 'it was done, but a copy that another destination should hold is missing',
  interrupted: 'stopped by Ctrl-C or a signal; what is stored is kept',
};

/** `docs/errors.md`: the registry and the exit codes. */
export function errorsDocument(): string {
  const exits = Object.entries(EXIT).map(
    ([name, code]) => `| ${code} | ${name} | ${EXIT_MEANINGS[name as keyof typeof EXIT]} |`,
  );
  const errors = Object.entries(ERRORS).map(
    ([code, { what, next, exit, retryable }]) =>
      `| \`${code}\` | ${what} | ${next} | ${EXIT[exit]} | ${retryable ? 'yes' : ''} |`,
  );
  return `# Errors and exit codes

Made by \`npm run docs\` from \`src/engine/base/error-registry.ts\`. Codes are stable. With \`--json\`, standard output is
\`{ "error": { "code", "message", "next" } }\`; the message names what was concerned.

## Exit codes

| exit | name | meaning |
|---|---|---|
${exits.join('\n')}

## Errors

| code | what happened | next step | exit | may pass by itself |
|---|---|---|---|---|
${errors.join('\n')}
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const docs = resolve(dirname(fileURLToPath(import.meta.url)), '../docs');
  writeFileSync(resolve(docs, 'errors.md'), errorsDocument());
  writeFileSync(resolve(docs, 'holdfast.schema.json'), `${JSON.stringify(configJsonSchema(), null, 2)}\n`);
  writeFileSync(resolve(docs, 'openapi.json'), `${JSON.stringify(await apiDescription(), null, 1)}\n`);
}
