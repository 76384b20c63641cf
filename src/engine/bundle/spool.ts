import { type FileHandle, open } from 'node:fs/promises';

/** A list of records on disk, for what must wait until the end and may be millions. 8 bytes of memory each. */
export interface Spool {
  readonly length: number;
  append(record: Buffer): Promise<void>;
  at(index: number): Promise<Buffer>;
  close(): Promise<void>;
}

const BUFFER_BYTES = 256 * 1024;

/** `path` must not exist; the caller removes it. */
export async function openSpool(path: string): Promise<Spool> {
  const file: FileHandle = await open(path, 'wx+', 0o600);
  const starts: number[] = [];
  let waiting: Buffer[] = [];
  let waitingBytes = 0;
  let end = 0;
  const flush = async () => {
    const bytes = Buffer.concat(waiting);
    await file.writeFile(bytes);
    waiting = [];
    waitingBytes = 0;
  };
  return {
    get length() {
      return starts.length;
    },
    async append(record) {
      starts.push(end);
      end += record.length;
      waiting.push(record);
      waitingBytes += record.length;
      if (waitingBytes >= BUFFER_BYTES) await flush();
    },
    async at(index) {
      if (waitingBytes > 0) await flush();
      const start = starts[index] ?? end;
      const record = Buffer.alloc((starts[index + 1] ?? end) - start);
      await file.read(record, 0, record.length, start);
      return record;
    },
    close: () => file.close(),
  };
}
