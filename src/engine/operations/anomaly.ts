/**
 * A brake, not a proof: what is unlike the plan's own history pauses retention, so that good backups are still there when somebody looks. Robust
 * statistics on logarithms: medians, and distances from them, so that a growing or restless plan sets its own measure.
 */

/** What a backup tells of itself. */
export interface BackupMeasure {
  readonly id: string;
  readonly timestampMs: number;
  readonly sizeBytes: number;
  /** By artifact and table; empty where there are none. */
  readonly rows: ReadonlyMap<string, number>;
  /** What was new of what was read, 0 to 1; null when it is not known. */
  readonly changedShare: number | null;
}

export interface Anomaly {
  readonly backupId: string;
  readonly timestampMs: number;
  readonly kind: 'size' | 'rows' | 'change';
  /** With both numbers. */
  readonly text: string;
}

/** Backups without an anomaly that make the measure of the next one, and how many it takes to judge at all. */
const HISTORY = 14;
const LEAST_HISTORY = 5;
/** Distances from the median, in units of the usual one. */
const TIMES_USUAL = 8;
/** Below these nothing is said, however calm the plan was before. */
const SIZE_FACTOR = 1.6;
const ROWS_LEFT = 0.6;
const TABLE_ROWS_LEFT = 0.3;
const TABLE_LEAST_ROWS = 100;
const LEAST_SHARE = 0.35;
const SHARE_FACTOR = 3;

/**
 * The anomalies among backups of one group. Each is judged by those before it that were none: an attack does not become the custom. What
 * is not newer than `acceptedMs` was looked at by a person, and makes the measure anew.
 */
export function findAnomalies(backups: readonly BackupMeasure[], acceptedMs = -Infinity): Anomaly[] {
  const sorted = [...backups].sort((a, b) => a.timestampMs - b.timestampMs);
  const found: Anomaly[] = [];
  let history: BackupMeasure[] = [];
  for (const backup of sorted) {
    const isAccepted = backup.timestampMs <= acceptedMs;
    const anomalies = history.length < LEAST_HISTORY ? [] : judge(backup, history);
    if (anomalies.length > 0 && !isAccepted) {
      found.push(...anomalies);
      continue;
    }
    // What a person accepted is another state: what came before says nothing about it.
    if (anomalies.length > 0) history = [];
    history = [...history, backup].slice(-HISTORY);
  }
  return found;
}

function judge(backup: BackupMeasure, history: readonly BackupMeasure[]): Anomaly[] {
  const base = { backupId: backup.id, timestampMs: backup.timestampMs };
  return [
    ...sizeAnomaly(backup, history).map((text) => ({ ...base, kind: 'size' as const, text })),
    ...rowsAnomaly(backup, history).map((text) => ({ ...base, kind: 'rows' as const, text })),
    ...changeAnomaly(backup, history).map((text) => ({ ...base, kind: 'change' as const, text })),
  ];
}

function sizeAnomaly({ sizeBytes }: BackupMeasure, history: readonly BackupMeasure[]): string[] {
  const sizes = history.map((one) => one.sizeBytes);
  if (!isFar(sizeBytes, sizes, SIZE_FACTOR)) return [];
  const usual = median(sizes);
  return [
    `its size ${sizeBytes < usual ? 'fell' : 'rose'} from ${megabytes(usual)} to ${megabytes(sizeBytes)}`,
  ];
}

/** Rows that are gone. More of them is what databases do. */
function rowsAnomaly(backup: BackupMeasure, history: readonly BackupMeasure[]): string[] {
  const sumOf = ({ rows }: BackupMeasure) => [...rows.values()].reduce((sum, count) => sum + count, 0);
  const [sums, sum] = [history.map(sumOf), sumOf(backup)];
  const usual = median(sums);
  if (usual >= TABLE_LEAST_ROWS && sum < usual * ROWS_LEFT && isFar(sum, sums, 1 / ROWS_LEFT)) {
    return [`its rows fell from ${Math.round(usual)} to ${sum}`];
  }
  for (const name of history.at(-1)!.rows.keys()) {
    const counts = history.map(({ rows }) => rows.get(name) ?? 0);
    const before = median(counts);
    const now = backup.rows.get(name) ?? 0;
    if (before < TABLE_LEAST_ROWS || now >= before * TABLE_ROWS_LEFT) continue;
    if (isFar(now, counts, 1 / TABLE_ROWS_LEFT))
      return [`rows of ${name} fell from ${Math.round(before)} to ${now}`];
  }
  return [];
}

/** Encrypted data is new to the last byte. */
function changeAnomaly({ changedShare }: BackupMeasure, history: readonly BackupMeasure[]): string[] {
  const shares = history.flatMap((one) => (one.changedShare === null ? [] : [one.changedShare]));
  if (changedShare === null || shares.length < LEAST_HISTORY || changedShare < LEAST_SHARE) return [];
  const usual = median(shares);
  // The first backup of all was new altogether: one such day is no custom.
  const second = [...shares].sort((a, b) => b - a)[1]!;
  if (changedShare < second * 1.2 || changedShare < usual * SHARE_FACTOR) return [];
  return [`${percent(changedShare)} of it is new, where ${percent(usual)} was usual`];
}

/** Farther from the median than `factor`, and than the history's own restlessness allows. */
function isFar(value: number, history: readonly number[], factor: number): boolean {
  const logs = history.map((one) => Math.log(one + 1));
  const middle = median(logs);
  const usual = 1.4826 * median(logs.map((one) => Math.abs(one - middle)));
  const distance = Math.abs(Math.log(value + 1) - middle);
  return distance > Math.max(Math.log(factor), TIMES_USUAL * usual);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

const megabytes = (bytes: number) => `${(bytes / 1000 ** 2).toFixed(bytes < 10 * 1000 ** 2 ? 2 : 0)} MB`;
const percent = (share: number) => `${Math.round(share * 100)} %`;
