/** How long pages of lists take, asked of the running service over HTTP, the way the page and programs do. */
import { type Filled, TENANTS } from './fill.ts';

export interface PageFigures {
  readonly list: string;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly slowestMs: number;
  /** On its first page. */
  readonly items: number;
}

interface List {
  readonly title: string;
  readonly path: string;
  readonly cursor: 'time' | 'id' | 'seq' | 'none';
  /** Somebody with roles in a few tenants only. */
  readonly ofTenants?: true;
}

const ACTION = 'action=key';
const RARE = 'tenant_id=tenant-rare';
const ONE = 'tenant_id=tenant-7';
const HEALTHY = 'tenant_id=tenant-8';

const LISTS: readonly List[] = [
  { title: 'backups', path: '/api/v1/backups?', cursor: 'time' },
  { title: 'backups of a tenant', path: `/api/v1/backups?${ONE}`, cursor: 'time' },
  { title: 'backups of a plan', path: '/api/v1/backups?plan=plan-7', cursor: 'time' },
  { title: 'backups of a plan of a tenant', path: `/api/v1/backups?plan=plan-7&${ONE}`, cursor: 'time' },
  { title: 'backups of a tenant long silent', path: `/api/v1/backups?${RARE}`, cursor: 'time' },
  { title: 'archived backups', path: '/api/v1/backups?archived=true', cursor: 'time' },
  { title: 'archived of a tenant', path: `/api/v1/backups?archived=true&${ONE}`, cursor: 'time' },
  { title: 'backups, of three tenants', path: '/api/v1/backups?', cursor: 'time', ofTenants: true },
  { title: 'bundles (administration)', path: '/api/admin/backups?', cursor: 'time' },
  { title: 'jobs', path: '/api/v1/jobs?', cursor: 'id' },
  { title: 'jobs of a tenant', path: `/api/v1/jobs?${ONE}`, cursor: 'id' },
  { title: 'jobs of a plan', path: '/api/v1/jobs?plan=plan-7', cursor: 'id' },
  { title: 'jobs of a plan long silent', path: '/api/v1/jobs?plan=plan-rare', cursor: 'id' },
  { title: 'failed jobs', path: '/api/v1/jobs?status=failed', cursor: 'id' },
  { title: 'failed jobs of a tenant', path: `/api/v1/jobs?status=failed&${ONE}`, cursor: 'id' },
  { title: 'failed jobs of a healthy tenant', path: `/api/v1/jobs?status=failed&${HEALTHY}`, cursor: 'id' },
  {
    title: 'failed backups of a healthy plan',
    path: '/api/v1/jobs?status=failed&kind=backup&plan=plan-8',
    cursor: 'id',
  },
  { title: 'jobs under way', path: '/api/v1/jobs?status=running', cursor: 'id' },
  { title: 'drills', path: '/api/v1/jobs?kind=drill', cursor: 'id' },
  { title: 'jobs, of three tenants', path: '/api/v1/jobs?', cursor: 'id', ofTenants: true },
  { title: 'triggers', path: '/api/v1/triggers?', cursor: 'id' },
  { title: 'triggers of a tenant', path: `/api/v1/triggers?${ONE}`, cursor: 'id' },
  { title: 'triggers of a plan', path: '/api/v1/triggers?plan=plan-7', cursor: 'id' },
  { title: 'triggers of a plan long silent', path: '/api/v1/triggers?plan=plan-rare', cursor: 'id' },
  { title: 'triggers, of three tenants', path: '/api/v1/triggers?', cursor: 'id', ofTenants: true },
  { title: 'ledger', path: '/api/v1/ledger?', cursor: 'seq' },
  { title: 'ledger of a tenant', path: `/api/v1/ledger?${ONE}`, cursor: 'seq' },
  { title: 'ledger of a tenant long silent', path: `/api/v1/ledger?${RARE}`, cursor: 'seq' },
  { title: 'ledger, one action', path: `/api/v1/ledger?${ACTION}`, cursor: 'seq' },
  { title: 'ledger, an action that never was', path: '/api/v1/ledger?action=nothing', cursor: 'seq' },
  { title: 'ledger, one action of a tenant', path: `/api/v1/ledger?${ACTION}&${ONE}`, cursor: 'seq' },
  { title: 'reads of backup data', path: '/api/v1/ledger?stream=org_admin_reads', cursor: 'seq' },
  { title: 'reads of a tenant', path: `/api/v1/ledger?stream=org_admin_reads&${ONE}`, cursor: 'seq' },
];

export interface PageRequests {
  readonly address: string;
  /** API tokens. */
  readonly everything: string;
  readonly threeTenants: string;
  readonly filled: Filled;
  /** How many pages of each list. */
  readonly pages: number;
  /** Requests for the same page: the fastest counts, for what others do on the machine is not what is measured. */
  readonly tries: number;
  readonly onList: (figures: PageFigures) => void;
  readonly signal: AbortSignal;
}

/** The first page and others that begin all over the history, each list by itself, one request after the other. */
export async function measurePages(given: PageRequests): Promise<PageFigures[]> {
  const done: PageFigures[] = [];
  for (const list of LISTS) {
    const figures = await measureList(list, given);
    given.onList(figures);
    done.push(figures);
  }
  return done;
}

async function measureList(list: List, given: PageRequests): Promise<PageFigures> {
  const times: number[] = [];
  let items = 0;
  for (let i = 0; i < given.pages; i += 1) {
    given.signal.throwIfAborted();
    const after = cursorAt(list, given.filled, i / given.pages);
    const url = `${given.address}${list.path}&limit=50${after === null ? '' : `&after=${after}`}`;
    const headers = { authorization: `Bearer ${list.ofTenants ? given.threeTenants : given.everything}` };
    const tries: number[] = [];
    while (tries.length < given.tries) {
      const startedAtMs = performance.now();
      const answer = await fetch(url, { headers });
      const body = (await answer.json()) as { items?: unknown[] };
      tries.push(performance.now() - startedAtMs);
      if (!answer.ok || !body.items)
        throw new Error(`${list.title}: ${answer.status} ${JSON.stringify(body)}`);
      if (i === 0) items = body.items.length;
    }
    times.push(Math.min(...tries));
  }
  const sorted = times.toSorted((a, b) => a - b);
  return {
    ...{ list: list.title, items, slowestMs: sorted.at(-1)! },
    ...{ p50Ms: quantile(sorted, 0.5), p95Ms: quantile(sorted, 0.95) },
  };
}

/** Of numbers in order. */
export const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

function cursorAt({ cursor }: List, { rows, idOf, timeOf }: Filled, share: number): string | null {
  if (share === 0 || cursor === 'none') return null;
  const i = Math.floor((1 - share) * (rows - 1));
  if (cursor === 'time') return `${timeOf(i)}.${idOf(i)}`;
  return cursor === 'id' ? idOf(i) : String(i + 1);
}

/** Tenants of somebody who may see these alone: two that do much, and one that did something long ago. */
export const THREE_TENANTS = ['tenant-7', `tenant-${TENANTS - 1}`, 'tenant-rare'];
