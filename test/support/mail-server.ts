import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { SMTPServer } from 'smtp-server';
import { selfSignedCertificate } from './self-signed.ts';
import { temporaryFolder } from './temporary-folder.ts';

export interface ReceivedMail {
  readonly user: string | undefined;
  readonly secure: boolean;
  readonly from: string;
  readonly to: readonly string[];
  /** As it came, with its headers. */
  readonly text: string;
}

export interface MailServer {
  readonly port: number;
  /** PEM file of the certificate, which vouches for itself. */
  readonly caFile: string;
  readonly user: string;
  readonly password: string;
  readonly mails: ReceivedMail[];
  /** Logins that were refused. */
  readonly refused: string[];
}

export interface MailServerOptions {
  /** Offers no STARTTLS. */
  readonly withoutTls?: boolean;
  /** Answers to a message, in place of taking it. */
  readonly refuse?: { readonly code: number; readonly message: string };
}

/** A real mail server on this machine with a key and certificate of its own: STARTTLS, then a login, then mail. */
export async function mailServer(t: TestContext, options: MailServerOptions = {}): Promise<MailServer> {
  const { key, cert } = selfSignedCertificate();
  const caFile = join(await temporaryFolder(t), 'ca.pem');
  await writeFile(caFile, cert);
  const [user, password] = ['holdfast', 'canary-smtp-password-7f3a'];
  const mails: ReceivedMail[] = [];
  const refused: string[] = [];
  const server = new SMTPServer({
    ...{ key, cert, logger: false, disableReverseLookup: true },
    disabledCommands: options.withoutTls ? ['STARTTLS', 'AUTH'] : [],
    authOptional: options.withoutTls === true,
    onAuth({ username, password: given }, _session, done) {
      if (username === user && given === password) return done(null, { user: username });
      refused.push(username ?? '');
      done(new Error('Invalid username or password'));
    },
    onData(stream, session, done) {
      const parts: Buffer[] = [];
      stream.on('data', (part: Buffer) => parts.push(part));
      stream.on('end', () => {
        if (options.refuse) {
          done(Object.assign(new Error(options.refuse.message), { responseCode: options.refuse.code }));
          return;
        }
        const { mailFrom, rcptTo } = session.envelope;
        mails.push({
          ...{ user: session.user as string | undefined, secure: session.secure },
          from: mailFrom === false ? '' : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          text: Buffer.concat(parts).toString('utf8'),
        });
        done();
      });
    },
  });
  server.on('error', () => {});
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  t.after(() => new Promise<void>((done) => server.close(() => done())));
  return { port: (server.server.address() as AddressInfo).port, caFile, user, password, mails, refused };
}
