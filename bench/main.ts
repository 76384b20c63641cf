/** `npm run bench`: holdfast beside its peers on the same generated data. See docs/performance.md. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HELP, parseRequest, type Request } from './options.ts';
import { publish, resultFilesIn } from './publish.ts';
import { runBench } from './run-bench.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const RESULTS = join(ROOT, 'bench/results');
const EXIT_USAGE = 2;
const EXIT_INTERRUPTED = 130;

const say = (text: string) => console.log(text);

async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--service')) return runService(args.filter((arg) => arg !== '--service'));
  let request: Request;
  try {
    request = parseRequest(args);
  } catch (error) {
    console.error(`bench: ${messageOf(error)}\n  next: npm run bench -- --help`);
    return EXIT_USAGE;
  }
  if (request.kind === 'help') {
    process.stdout.write(HELP);
    return 0;
  }
  if (request.kind === 'publish') {
    const files = request.files.length > 0 ? request.files : resultFilesIn(request.output ?? RESULTS);
    const documents = { full: join(ROOT, 'docs/performance.md'), short: join(ROOT, 'README.md') };
    for (const path of publish(files, documents)) say(`wrote ${path}`);
    return 0;
  }
  const interrupt = listenForInterrupt();
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-bench-'));
  try {
    await runBench({
      options: request.options,
      folder,
      signal: interrupt.signal,
      root: ROOT,
      results: RESULTS,
    });
    return 0;
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
    console.error('bench: interrupted; everything temporary is removed');
    return EXIT_INTERRUPTED;
  } finally {
    if (request.options.keep) say(`kept ${folder}`);
    else rmSync(folder, { recursive: true, force: true });
  }
}

function listenForInterrupt(): AbortController {
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interrupt.abort());
  return interrupt;
}

/** Loaded for this alone: the others measure programs and need nothing of the service. */
async function runService(args: readonly string[]): Promise<number> {
  const { benchService, parseService, SERVICE_HELP } = await import('./service/main.ts');
  let options: ReturnType<typeof parseService>;
  try {
    options = parseService(args, RESULTS);
  } catch (error) {
    console.error(`bench: ${messageOf(error)}\n  next: npm run bench -- --service --help`);
    return EXIT_USAGE;
  }
  if (options === null) process.stdout.write(SERVICE_HELP);
  else await benchService(options, ROOT, listenForInterrupt().signal);
  return 0;
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(`bench: ${messageOf(error)}`);
  process.exitCode = 1;
}
