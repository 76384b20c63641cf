import type { Socket } from 'node:net';
import { freeNow } from '../../base/bytes.ts';

/**
 * Gives the memory of what is written to a socket back as soon as the system has it. Only for a socket whose writer never looks at a
 * buffer again, such as that of ssh2: it makes two for every 32 KiB, which pile up until V8 collects them.
 */
export function freeSent(socket: Socket): Socket {
  const write: (bytes: Buffer, done: (error?: Error | null) => void) => boolean = socket.write.bind(socket);
  const freeing = (bytes: Buffer, ...rest: unknown[]): boolean => {
    const given = rest.at(-1);
    return write(bytes, (error) => {
      freeNow(bytes);
      if (typeof given === 'function') given(error);
    });
  };
  socket.write = freeing as Socket['write'];
  return socket;
}
