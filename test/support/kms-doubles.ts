/** Doubles of the protocols of AWS KMS and Vault Transit, which cannot be had here: what they were asked, and wrong answers on request. */
import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { TestContext } from 'node:test';

export interface KmsCall {
  readonly operation: string;
  readonly body: Record<string, unknown>;
  readonly headers: IncomingMessage['headers'];
}

export interface KmsDouble {
  readonly address: string;
  readonly calls: KmsCall[];
  /** Answers of the next calls instead of the right ones; null for none. */
  answer: ((call: KmsCall) => { status: number; body: unknown } | null) | null;
}

type Handler = (call: KmsCall) => { status: number; body: unknown };

async function serve(
  t: Pick<TestContext, 'after'>,
  nameOf: (request: IncomingMessage) => string,
  right: Handler,
): Promise<KmsDouble> {
  const double = { address: '', calls: [] as KmsCall[], answer: null as KmsDouble['answer'] };
  const respond = async (request: IncomingMessage, response: ServerResponse) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const body = JSON.parse(Buffer.concat(parts).toString()) as Record<string, unknown>;
    const call = { operation: nameOf(request), body, headers: request.headers };
    double.calls.push(call);
    const answer = double.answer?.(call) ?? right(call);
    response
      .writeHead(answer.status, { 'content-type': 'application/json' })
      .end(JSON.stringify(answer.body));
  };
  const server = createServer((request, response) => void respond(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const at = server.address();
  double.address = `http://127.0.0.1:${typeof at === 'object' && at ? at.port : 0}`;
  return double;
}

function sealer() {
  const key = randomBytes(32);
  return {
    seal(plain: Buffer, context: string): Buffer {
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(context));
      return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    },
    /** Null for what it did not seal for this context. */
    open(sealed: Buffer, context: string): Buffer | null {
      try {
        const cipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12), { authTagLength: 16 });
        cipher.setAAD(Buffer.from(context)).setAuthTag(sealed.subarray(-16));
        return Buffer.concat([cipher.update(sealed.subarray(12, -16)), cipher.final()]);
      } catch {
        return null;
      }
    },
  };
}

export const AWS_LOGIN = { accessKeyId: 'AKTEST', secretAccessKey: 'SKTEST' };

/** Encrypt and Decrypt of AWS KMS: one key, the login above, its signature checked by its own hand. */
export function awsKmsDouble(t: Pick<TestContext, 'after'>): Promise<KmsDouble> {
  const { seal, open } = sealer();
  const refused = (type: string, message = '') => ({ status: 400, body: { __type: type, message } });
  return serve(
    t,
    (request) => String(request.headers['x-amz-target']).replace('TrentService.', ''),
    (call) => {
      const { operation, body } = call;
      if (!isSigned(call)) return refused('InvalidSignatureException');
      const context = JSON.stringify(body.EncryptionContext);
      if (operation === 'Encrypt') {
        const sealed = seal(Buffer.from(String(body.Plaintext), 'base64'), `${body.KeyId} ${context}`);
        return { status: 200, body: { CiphertextBlob: sealed.toString('base64'), KeyId: body.KeyId } };
      }
      const plain = open(Buffer.from(String(body.CiphertextBlob), 'base64'), `${body.KeyId} ${context}`);
      if (!plain) return refused('InvalidCiphertextException');
      return { status: 200, body: { Plaintext: plain.toString('base64'), KeyId: body.KeyId } };
    },
  );
}

/** The steps of the manual, apart from those under test. */
function isSigned({ headers, body }: KmsCall): boolean {
  const match =
    /Credential=AKTEST\/(\d{8})\/([a-z0-9-]+)\/kms\/aws4_request, SignedHeaders=(\S+), Signature=(\w{64})$/.exec(
      String(headers.authorization),
    );
  if (!match) return false;
  const [, day, region, names, signature] = match as unknown as [string, string, string, string, string];
  const sha = (text: string) => createHash('sha256').update(text).digest('hex');
  const lines = names.split(';').map((name) => `${name}:${headers[name]}\n`);
  const canonical = `POST\n/\n\n${lines.join('')}\n${names}\n${sha(JSON.stringify(body))}`;
  const text = `AWS4-HMAC-SHA256\n${headers['x-amz-date']}\n${day}/${region}/kms/aws4_request\n${sha(canonical)}`;
  let key: Buffer | string = `AWS4${AWS_LOGIN.secretAccessKey}`;
  for (const part of [day, region, 'kms', 'aws4_request', text])
    key = createHmac('sha256', key).update(part).digest();
  return (key as Buffer).toString('hex') === signature;
}

export const VAULT_TOKEN = 'hvs.TESTTOKEN';

/** `encrypt` and `decrypt` of Vault's transit engine for any key of any mount. */
export function vaultDouble(t: Pick<TestContext, 'after'>): Promise<KmsDouble> {
  const { seal, open } = sealer();
  return serve(
    t,
    (request) => String(request.url),
    ({ operation, body, headers }) => {
      if (headers['x-vault-token'] !== VAULT_TOKEN)
        return { status: 403, body: { errors: ['permission denied'] } };
      const [, verb, key] = /^\/v1\/.+\/(encrypt|decrypt)\/([^/]+)$/.exec(operation) ?? [];
      if (verb === 'encrypt') {
        const sealed = seal(Buffer.from(String(body.plaintext), 'base64'), String(key));
        return {
          status: 200,
          body: { data: { ciphertext: `vault:v1:${sealed.toString('base64')}`, key_version: 1 } },
        };
      }
      const sealed = Buffer.from(String(body.ciphertext).replace('vault:v1:', ''), 'base64');
      const plain = verb === 'decrypt' ? open(sealed, String(key)) : null;
      if (!plain) return { status: 400, body: { errors: ['cipher: message authentication failed'] } };
      return { status: 200, body: { data: { plaintext: plain.toString('base64') } } };
    },
  );
}
