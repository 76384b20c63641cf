import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { emailText } from '../../src/server/notices/email-text.ts';
import { listDeliveries } from '../../src/server/notices/history.ts';
import { testNotice } from '../../src/server/notices/notice.ts';
import { type MailServer, mailServer } from '../support/mail-server.ts';
import { noticeReceiver } from '../support/notice-receiver.ts';
import { CHANNEL_SECRET, noticeWorld, SECRETS } from '../support/notice-world.ts';
import { selfSignedCertificate } from '../support/self-signed.ts';
import { openSqlitePlace } from '../support/sqlite-place.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const mailTo = ({ port, caFile, user }: MailServer, more: object = {}) => ({
  ...{ kind: 'email', host: '127.0.0.1', port, caFile, from: 'holdfast@example.org' },
  ...{ to: ['ops@example.org', 'boss@example.org'], login: { user, password: { env: 'SMTP_PASSWORD' } } },
  ...more,
});

const plain = (mail: string) =>
  mail
    .replaceAll('=\r\n', '')
    .replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

test('a failed backup: one message over STARTTLS, logged in, with all that it promises', async (t) => {
  const { channel, event, notices } = await noticeWorld(openSqlitePlace(), t);
  const server = await mailServer(t);
  await channel('mail', mailTo(server));
  await event('backup_completed', { plan: 'nightly' });
  await event('backup_failed', {
    tenantId: 'tenant-7',
    plan: 'nightly',
    backupId: '0193a2b0-0000-7000-8000-000000000001',
    data: {
      error: {
        code: 'database_auth',
        message: 'the server refused app@orders',
        next: 'check user and password',
      },
    },
  });
  await notices.tick();
  assert.equal(server.mails.length, 1, 'successes are not mailed unless a rule says so');
  const [mail] = server.mails;
  assert.deepEqual(
    [mail!.secure, mail!.user, mail!.from, mail!.to],
    [true, server.user, 'holdfast@example.org', ['ops@example.org', 'boss@example.org']],
  );
  const text = plain(mail!.text);
  for (const expected of [
    /^Subject: \[Holdfast\] failed: the backup of plan nightly failed: the server\s+refused app@orders/m,
    /^Status: {4}failed/m,
    /^Tenant: {4}tenant-7/m,
    /^Backup: {4}0193a2b0-0000-7000-8000-000000000001/m,
    /^Time: {6}2026-11-21T10:00:00\.000Z/m,
    /^Error: {5}database_auth: the server refused app@orders/m,
    /^Next step: check user and password/m,
    /^Auto-Submitted: auto-generated/m,
    /<td>tenant-7<\/td>/,
  ]) {
    assert.match(text, expected);
  }
});

test('no TLS, no login, wrong password, wrong authority: nothing is sent, and why is said', async (t) => {
  const { channel, notices } = await noticeWorld(openSqlitePlace(), t);
  const server = await mailServer(t);
  const bare = await mailServer(t, { withoutTls: true });
  const other = join(await temporaryFolder(t), 'other.pem');
  await writeFile(other, selfSignedCertificate().cert);
  await channel('good', mailTo(server));
  await channel('no-tls', mailTo(bare));
  await channel('no-login', mailTo(server, { login: undefined }));
  await channel(
    'wrong-password',
    mailTo(server, { login: { user: server.user, password: { env: 'HOOK_SECRET' } } }),
  );
  await channel('wrong-authority', mailTo(server, { caFile: other }));
  await channel('no-authority', mailTo(server, { caFile: undefined }));
  await channel('clear', mailTo(bare, { security: 'none', login: undefined }));
  const errorOf = async (name: string) => (await notices.test(name)).error ?? 'sent';
  assert.match(await errorOf('no-tls'), /STARTTLS|TLS/i);
  assert.match(await errorOf('no-login'), /530|Authentication/i);
  assert.match(await errorOf('wrong-password'), /535|Invalid login/);
  assert.match(await errorOf('wrong-authority'), /self-signed|certificate/i);
  assert.match(await errorOf('no-authority'), /self-signed|certificate/i);
  assert.equal(server.mails.length + bare.mails.length, 0);
  assert.deepEqual(server.refused, [server.user]);
  assert.equal(await errorOf('good'), 'sent');
  assert.equal(await errorOf('clear'), 'sent');
  assert.deepEqual([server.mails.length, bare.mails.length, bare.mails[0]!.secure], [1, 1, false]);
});

test('a server that says try later is tried later', async (t) => {
  const { channel, event, notices, clock, catalog } = await noticeWorld(openSqlitePlace(), t);
  const refuse = { code: 451, message: 'greylisted, try again later' };
  const server = await mailServer(t, { refuse });
  await channel('mail', mailTo(server));
  await event('backup_failed', { plan: 'nightly' });
  await notices.tick();
  const [delivery] = (await listDeliveries(catalog.db, { status: 'waiting' }, { limit: 5, after: null }))
    .items;
  assert.match(delivery!.lastError!, /451 greylisted/);
  Object.assign(refuse, { code: 554, message: 'refused as spam' });
  clock.advance(20_000);
  await notices.tick();
  assert.match((await listDeliveries(catalog.db, {}, { limit: 5, after: null })).items[0]!.lastError!, /554/);
});

/** Names that would be markup, another header, or another sentence. */
const HOSTILE = [
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '"><a href="https://evil.example">renew</a>',
  'nightly\r\nBcc: everyone@example.org',
  'nightly\r\n\r\n<h1>body</h1>',
  '\u202egpj.exe',
  "'; drop table x; --",
  '&lt;b&gt;',
  'x\u2028y\u0000z',
];

test('names and messages are data: no markup, no header, no line of their own', async (t) => {
  const { channel, event, notices } = await noticeWorld(openSqlitePlace(), t);
  const server = await mailServer(t);
  await channel('mail', mailTo(server));
  for (const name of HOSTILE) {
    const error = { code: 'internal', message: name, next: name };
    await event('backup_failed', { plan: name, tenantId: name, data: { error } });
  }
  await notices.tick();
  assert.equal(server.mails.length, HOSTILE.length);
  for (const { text, to } of server.mails) {
    assert.doesNotMatch(text.split('\r\n\r\n')[0]!, /^Bcc:/im);
    assert.equal(to.length, 2);
    assert.doesNotMatch(plain(text.split('text/html')[1]!), /<(script|img|a |h1)/i);
  }
  for (const name of HOSTILE) {
    const notice = {
      ...testNotice(0, name),
      plan: name,
      error: { code: 'internal', message: name, next: name },
    };
    const { subject, text, html } = emailText(
      { ...notice, payload: { ...notice.payload, message: name } },
      null,
    );
    assert.doesNotMatch(subject, /[\p{Cc}\u2028\u202a-\u202e]/u);
    assert.equal(
      text.split('\n').length,
      emailText({ ...notice, payload: { ...notice.payload, message: 'plain' } }, null).text.split('\n')
        .length,
    );
    assert.deepEqual(
      html.match(/<[a-z/]+/g)!.filter((tag) => !/^<\/?(p|table|tr|th|td)$/.test(tag)),
      [],
    );
  }
});

test('secrets of channels are in no history, no error and no event, whatever happens (test 39)', async (t) => {
  const { channel, event, notices, clock, catalog } = await noticeWorld(openSqlitePlace(), t);
  const receiver = await noticeReceiver(t);
  const server = await mailServer(t);
  const parrot = createServer((socket) =>
    socket.end(
      `535 ${SECRETS.SMTP_PASSWORD} ${Buffer.from(SECRETS.SMTP_PASSWORD).toString('base64')} is wrong, ${Buffer.from(`\0holdfast\0${SECRETS.SMTP_PASSWORD}`).toString('base64')}\r\n`,
    ),
  );
  parrot.listen(0, '127.0.0.1');
  await once(parrot, 'listening');
  t.after(() => parrot.close());
  const closed = `http://127.0.0.1:1/\${PING_URL_KEY}`;
  await channel('hook', { kind: 'webhook', url: `${receiver.url}/\${PING_URL_KEY}`, secret: CHANNEL_SECRET });
  await channel('ping', { kind: 'ping', url: `${receiver.url}/\${PING_URL_KEY}` });
  await channel('closed', { kind: 'ping', url: closed });
  await channel('refused', { kind: 'ping', url: `http://169.254.169.254/\${PING_URL_KEY}` });
  await channel('unknown', { kind: 'ping', url: `http://no-such-host.invalid/\${PING_URL_KEY}` });
  await channel('mail', mailTo(server));
  await channel('wrong', mailTo(server, { login: { user: 'x', password: { env: 'SMTP_PASSWORD' } } }));
  await channel('parrot', mailTo({ ...server, port: (parrot.address() as AddressInfo).port }));
  const names = ['hook', 'ping', 'closed', 'refused', 'unknown', 'mail', 'wrong', 'parrot'];
  const said: string[] = [];
  for (const status of [200, 500, 302, 410]) {
    receiver.answer = {
      status,
      headers: status === 302 ? { Location: `${receiver.url}/${SECRETS.PING_URL_KEY}` } : {},
    };
    for (const name of names) said.push(JSON.stringify(await notices.test(name)));
    await event('backup_failed', {
      plan: 'nightly',
      data: { error: { code: 'x', message: 'postgres://app:canary-db-password@db/orders', next: '' } },
    });
    await notices.tick();
    clock.advance(3600_000);
  }
  for (const table of [
    'notice_deliveries',
    'notice_attempts',
    'documents',
    'document_versions',
    'event_counts',
  ] as const) {
    said.push(JSON.stringify(await catalog.db.selectFrom(table).selectAll().execute()));
  }
  const secrets = [...Object.values(SECRETS), 'canary-db-password'];
  const forms = secrets.flatMap((secret) => [
    secret,
    encodeURIComponent(secret),
    Buffer.from(secret).toString('base64'),
    Buffer.from(secret).toString('hex'),
    Buffer.from(`\0holdfast\0${secret}`).toString('base64'),
  ]);
  const found = forms.filter((form) => said.some((text) => text.includes(form)));
  assert.deepEqual(found, []);
  // Control: the receivers did get them, so the search would find them where they are.
  assert.ok(receiver.received.some(({ path }) => path.includes(SECRETS.PING_URL_KEY)));
  assert.ok(said.length > 30);
});
