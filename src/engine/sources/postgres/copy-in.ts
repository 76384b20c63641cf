/**
 * `COPY … FROM STDIN`, spoken directly: rows go into a few large messages that are used again and again, header and
 * data in one write. A stream of small buffers costs a system call and an allocation each.
 */
import type { Duplex } from 'node:stream';
import type { Client, Connection, Submittable } from 'pg';

/** Takes what a COPY loads. */
export interface CopySink {
  /** The bytes are copied before it returns. */
  append(bytes: Uint8Array): void;
  /** Waits while too much is under way. Throws what the server or the connection says. */
  room(): Promise<void>;
}

const MESSAGE_BYTES = 128 * 1024;
/** One is on its way, one is in the kernel's hands, one is filled. */
const MESSAGES_UNDER_WAY = 2;
const HEADER_BYTES = 5;
const COPY_DATA = 0x64;
const COPY_DONE = Buffer.from([0x63, 0, 0, 0, 4]);

/** What `pg` calls on a query, and `Connection` has besides its declared methods. */
interface CopyQuery extends Submittable {
  handleCopyInResponse(connection: Connection): void;
  handleCommandComplete(message: { readonly text?: string }): void;
  handleReadyForQuery(): void;
  handleError(error: Error): void;
}
type CopyConnection = Connection & { sendCopyFail(message: string): void };

/**
 * Runs a COPY with what `feed` appends. Gives the number of rows the server took. When `feed` throws, nothing is loaded
 * and its error is passed on, unless the server failed first. A signal ends the whole connection.
 */
export async function copyIn(
  client: Client,
  statement: string,
  feed: (sink: CopySink) => Promise<void>,
  signal?: AbortSignal,
): Promise<number> {
  const copy = startCopy(client, statement);
  const stop = () => copy.end(new Error('the copy was interrupted'));
  if (signal?.aborted) stop();
  signal?.addEventListener('abort', stop, { once: true });
  try {
    const stream = await copy.accepted;
    const sink = messageSink(stream, copy.check);
    copy.onFailure(sink.wake);
    try {
      await feed(sink);
    } catch (error) {
      copy.check();
      copy.refuse();
      await copy.rows.catch(() => {});
      throw error;
    }
    sink.flush();
    stream.write(COPY_DONE);
    return await copy.rows;
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

function startCopy(client: Client, statement: string) {
  let connection: CopyConnection | null = null;
  let failure: Error | null = null;
  let wake = () => {};
  let rows = 0;
  const accepted = Promise.withResolvers<Duplex>();
  const finished = Promise.withResolvers<number>();
  // Only one of them is awaited at a time.
  accepted.promise.catch(() => {});
  finished.promise.catch(() => {});
  const query: CopyQuery = {
    submit(given) {
      connection = given as CopyConnection;
      connection.query(statement);
    },
    handleCopyInResponse: ({ stream }) => accepted.resolve(stream),
    handleCommandComplete({ text = '' }) {
      rows = Number(/^COPY (\d+)/.exec(text)?.[1] ?? 0);
    },
    handleReadyForQuery: () => finished.resolve(rows),
    handleError(error) {
      failure = error;
      accepted.reject(error);
      finished.reject(error);
      wake();
    },
  };
  client.query(query);
  return {
    accepted: accepted.promise,
    rows: finished.promise,
    check() {
      if (failure) throw failure;
    },
    onFailure(call: () => void) {
      wake = call;
    },
    refuse: () => connection!.sendCopyFail('the data could not be read'),
    /** The server rolls back what was begun on a connection that is gone. */
    end(error: Error) {
      connection?.stream.destroy(error);
      query.handleError(error);
    },
  };
}

function messageSink(stream: Duplex, check: () => void) {
  const free: Buffer[] = [];
  let message: Buffer = Buffer.allocUnsafeSlow(HEADER_BYTES + MESSAGE_BYTES);
  let used = HEADER_BYTES;
  let underWay = 0;
  let wake = () => {};

  function flush(): void {
    if (used === HEADER_BYTES) return;
    const sent = message;
    sent[0] = COPY_DATA;
    sent.writeUInt32BE(used - 1, 1);
    underWay += 1;
    stream.write(sent.subarray(0, used), () => {
      underWay -= 1;
      free.push(sent);
      wake();
    });
    message = free.pop() ?? Buffer.allocUnsafeSlow(HEADER_BYTES + MESSAGE_BYTES);
    used = HEADER_BYTES;
  }

  return {
    append(bytes: Uint8Array) {
      for (let at = 0; at < bytes.length; ) {
        const length = Math.min(bytes.length - at, message.length - used);
        message.set(at === 0 && length === bytes.length ? bytes : bytes.subarray(at, at + length), used);
        used += length;
        at += length;
        if (used === message.length) flush();
      }
    },
    async room() {
      check();
      while (underWay > MESSAGES_UNDER_WAY) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        check();
      }
    },
    flush,
    wake: () => wake(),
  };
}
