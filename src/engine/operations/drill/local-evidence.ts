/** What this host keeps of its drills: documents, pages, and one line each, from which the trend comes. */
import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { streamOf } from '../../base/bytes.ts';
import { HoldfastError, systemCode } from '../../base/errors.ts';
import type { DrillReport, TrendPoint } from '../../evidence/index.ts';
import { writeNewFile } from '../write-file.ts';

const HISTORY = 'history.ndjson';
/** In the evidence: two years of monthly drills. */
const TREND_LENGTH = 23;

const lineSchema = z.object({
  plan: z.string().nullable(),
  tenantId: z.string().nullable(),
  drillId: z.string(),
  startedAt: z.iso.datetime({ precision: 3 }),
  result: z.enum(['green', 'red']),
  rtoMs: z.int().min(0).nullable(),
  rpoMs: z.int().min(0).nullable(),
});

/** Files are named by the time and the drill, 0600. Throws `target_failed`. */
export async function writeEvidenceFiles(
  folder: string,
  { drillId, startedAt }: DrillReport,
  document: string,
  page: string,
): Promise<{ documentFile: string; pageFile: string }> {
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw new HoldfastError('target_failed', `${folder} cannot be made: ${systemCode(error)}`, {
      cause: error,
    });
  });
  const base = join(folder, `${startedAt.slice(0, 10)}_${drillId}`);
  const files = { documentFile: `${base}.json`, pageFile: `${base}.html` };
  const { signal } = new AbortController();
  for (const [target, text] of [
    [files.documentFile, document],
    [files.pageFile, page],
  ] as const) {
    await writeNewFile({
      target,
      content: streamOf(Buffer.from(text)),
      sha256: null,
      replace: false,
      signal,
    });
  }
  return files;
}

export async function rememberDrill(folder: string, report: DrillReport): Promise<void> {
  const { plan, tenantId, drillId, startedAt, result, rtoMs, rpoMs } = report;
  const line = JSON.stringify({ plan, tenantId, drillId, startedAt, result, rtoMs, rpoMs });
  await appendFile(join(folder, HISTORY), `${line}\n`, { mode: 0o600 });
}

/** Earlier drills of a plan on this host, oldest first. Lines that are cut or not ours are passed over. */
export async function trendOf(
  folder: string,
  plan: string | null,
  tenantId: string | null,
): Promise<readonly TrendPoint[]> {
  const text = await readFile(join(folder, HISTORY), 'utf8').catch(() => '');
  const points: TrendPoint[] = [];
  for (const line of text.split('\n')) {
    const found = lineOf(line);
    if (found === null || found.plan !== plan || found.tenantId !== tenantId) continue;
    const { drillId, startedAt, result, rtoMs, rpoMs } = found;
    points.push({ drillId, startedAt, result, rtoMs, rpoMs });
  }
  return points.slice(-TREND_LENGTH);
}

function lineOf(line: string): z.output<typeof lineSchema> | null {
  if (line === '') return null;
  try {
    return lineSchema.safeParse(JSON.parse(line)).data ?? null;
  } catch {
    return null;
  }
}
