import { asMarkup } from '../../engine/index.ts';
import type { Notice } from './notice.ts';

export interface EmailText {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/** Status, tenant, backup id, time and error details (features row N2), as text and as HTML. Names are data, never markup. */
export function emailText(notice: Notice, publicUrl: string | null): EmailText {
  const { payload, error, plan, jobId, kind } = notice;
  const status = payload.status === 'failed' ? 'failed' : kind === 'test' ? 'test' : 'success';
  const rows: (readonly [string, string])[] = [
    ['Status', status],
    ['Event', payload.event],
    ['Tenant', payload.tenant_id ?? 'global'],
    ...(plan === null ? [] : [['Plan', plan] as const]),
    ['Backup', payload.backup_id ?? 'none'],
    ['Time', payload.timestamp],
    ...(jobId === null ? [] : [['Run', jobId] as const]),
    ...(error === null
      ? []
      : ([
          ['Error', `${error.code}: ${error.message}`],
          ['Next step', error.next],
        ] as const)),
    ...(publicUrl === null ? [] : [['Server', publicUrl] as const]),
  ];
  const subject = oneLine(`[Holdfast] ${status}: ${payload.message}`).slice(0, 200);
  return {
    subject,
    text: `${oneLine(payload.message)}\n\n${rows.map(([name, value]) => `${`${name}:`.padEnd(11)}${oneLine(value)}\n`).join('')}`,
    html: [
      `<p>${escapeHtml(payload.message)}</p>`,
      '<table>',
      ...rows.map(([name, value]) => `<tr><th align="left">${name}</th><td>${escapeHtml(value)}</td></tr>`),
      '</table>',
    ].join('\n'),
  };
}

/** Without line breaks and other control characters, and without marks that turn the direction of writing. */
const oneLine = (text: string) =>
  text.replace(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]+/gu, ' ').trim();

const escapeHtml = (text: string) => asMarkup(oneLine(text));
