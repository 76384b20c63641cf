/** Evidence as one page for people: no scripts, nothing loaded from anywhere, light and dark. Its last line is its signature. */
import { SIGNING_CONTEXTS, type SigningKey, sign } from '../crypto/signing.ts';
import { phaseChart, trendChart } from './charts.ts';
import type { CheckResult, DrillReport } from './drill-report.ts';
import { asMarkup, bytesText, durationText, escaped, timeText } from './page-text.ts';

/** Before and behind the signature, which stands on the last line by itself. */
export const SIGNATURE_LINE =
  /^<!-- holdfast evidence signature ([A-Za-z0-9_-]{43}) ([A-Za-z0-9_-]{86}) -->\n$/;

const STYLE = `
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#57606a;--line:#d0d7de;--paper:#fff;--panel:#f6f8fa;--good:#1a7f37;--bad:#b3261e;--bar:#3a6ea5}
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9aa4af;--line:#3a424c;--paper:#10151b;--panel:#1a212a;--good:#56c271;--bad:#ff7b72;--bar:#7fb0e6}}
*{box-sizing:border-box}body{margin:0 auto;padding:2rem 1.25rem 4rem;max-width:60rem;font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper)}
h1{font-size:1.6rem;margin:.2rem 0}h2{font-size:1.15rem;margin:2.2rem 0 .6rem}p{margin:.4rem 0}
.verdict{display:inline-block;padding:.15rem .7rem;border-radius:1rem;border:2px solid;font-weight:600}.green{color:var(--good)}.red{color:var(--bad)}
dl.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(11rem,1fr));gap:.8rem;margin:1.2rem 0}dl.figures div{background:var(--panel);border:1px solid var(--line);border-radius:.5rem;padding:.7rem .9rem}
dt{color:var(--soft);font-size:.85rem}dd{margin:0;font-size:1.15rem;font-weight:600;overflow-wrap:anywhere}dd small{display:block;font-size:.8rem;font-weight:400;color:var(--soft)}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.4rem .6rem;border-bottom:1px solid var(--line);overflow-wrap:anywhere}th{color:var(--soft);font-weight:600;font-size:.85rem}td.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
svg{width:100%;height:auto;display:block}svg text{font:12px system-ui,sans-serif;fill:var(--ink)}svg .soft{fill:var(--soft)}svg .bar{fill:var(--bar)}svg .good{fill:var(--good)}svg .bad{fill:var(--bad)}svg .axis{stroke:var(--line)}
ul{margin:.3rem 0;padding-left:1.2rem}details{margin:1rem 0}pre{white-space:pre-wrap;overflow-wrap:anywhere;font-size:.75rem;background:var(--panel);padding:.8rem;border:1px solid var(--line);border-radius:.5rem}
@media print{details{display:none}}`;

/** `document` is the signed document about the same drill; it is in the page as it is. */
export function evidencePage(report: DrillReport, document: string, key: SigningKey): string {
  const body = pageOf(report, document, key.fingerprint.toString('hex'));
  const signature = sign(key, SIGNING_CONTEXTS.evidencePage, Buffer.from(body)).toString('base64url');
  return `${body}<!-- holdfast evidence signature ${key.publicKey.toString('base64url')} ${signature} -->\n`;
}

function pageOf(report: DrillReport, document: string, fingerprint: string): string {
  const { result, plan, backup, failure } = report;
  const title = `Restore drill ${result === 'green' ? 'passed' : 'failed'}: ${plan ?? 'backup without a plan'}`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escaped(title)}</title><style>${STYLE}</style></head><body><main>
<p class="verdict ${result}">${result === 'green' ? '✓ passed' : '✗ failed'}</p>
<h1>Restore drill${plan === null ? '' : ` of ${escaped(plan)}`}</h1>
<p>${timeText(report.startedAt)} on ${escaped(report.host)}${backup ? `, backup ${escaped(backup.id)}` : ''}</p>
${failure ? `<p class="red"><strong>It could not run to its end:</strong> ${escaped(failure.message)}. Next: ${escaped(failure.next)}.</p>` : ''}
${figures(report)}
<h2>Checks</h2>${checkTable(report.checks)}
<h2>Where the time went</h2>${phaseChart(report.phases)}
<h2>Trend of the recovery time</h2>${trendChart(report)}
${tableList(report)}
${list('How it ran', report.surroundings)}
${list('What this drill does not prove', report.limits)}
<h2>Where this comes from</h2>
<p>Repository ${escaped(report.repositoryId)} at ${escaped(report.destination)}, ${escaped(report.program)}, drill ${escaped(report.drillId)}.</p>
<p>Signed by the key with the fingerprint <code>${fingerprint}</code>. Compare it with that of the host, then check this file on any machine: <code>holdfast evidence verify FILE --signer ${fingerprint}</code>. A single changed byte fails.</p>
<details><summary>The signed document</summary><pre id="evidence">${asMarkup(document)}</pre></details>
</main></body></html>
`;
}

function figures({ rtoMs, rpoMs, backup, checks }: DrillReport): string {
  const red = checks.filter(({ status }) => status === 'red').length;
  const items: [string, string, string][] = [
    [
      'Recovery time (RTO)',
      rtoMs === null ? 'not recovered' : durationText(rtoMs),
      'until everything was back',
    ],
    ['Age of the data (RPO)', rpoMs === null ? 'no backup' : durationText(rpoMs), 'when the drill began'],
    ['Checks', `${checks.length - red} of ${checks.length} green`, red === 0 ? 'none red' : `${red} red`],
    [
      'Backup',
      backup ? bytesText(backup.sizeBytes) : 'none',
      backup ? `made ${timeText(backup.startedAt)}` : '',
    ],
  ];
  const cells = items.map(
    ([term, value, note]) => `<div><dt>${term}</dt><dd>${value}<small>${note}</small></dd></div>`,
  );
  return `<dl class="figures">${cells.join('')}</dl>`;
}

function checkTable(checks: readonly CheckResult[]): string {
  if (checks.length === 0) return '<p>None was reached.</p>';
  const rows = checks.map(
    ({ name, status, detail, durationMs }) =>
      `<tr><td class="${status}">${status === 'green' ? '✓ green' : '✗ red'}</td><td>${escaped(name)}</td><td>${escaped(detail)}</td><td class="n">${durationText(durationMs)}</td></tr>`,
  );
  return `<table><thead><tr><th>Result</th><th>Check</th><th>What was found</th><th>Time</th></tr></thead><tbody>${rows.join('')}</tbody></table>`;
}

function tableList({ tables, moreTables }: DrillReport): string {
  if (tables.length === 0) return '';
  const rows = tables.map(
    ({ source, name, rows: count }) =>
      `<tr><td>${escaped(source)}</td><td>${escaped(name)}</td><td class="n">${count.toLocaleString('en-US')}</td></tr>`,
  );
  const more = moreTables > 0 ? `<p>and ${moreTables} more tables</p>` : '';
  return `<details><summary>${tables.length + moreTables} tables restored</summary><table><thead><tr><th>Source</th><th>Table</th><th>Rows</th></tr></thead><tbody>${rows.join('')}</tbody></table>${more}</details>`;
}

function list(title: string, items: readonly string[]): string {
  if (items.length === 0) return '';
  return `<h2>${title}</h2><ul>${items.map((item) => `<li>${escaped(item)}</li>`).join('')}</ul>`;
}
