import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { freeSent } from './free-sent.ts';

test('all bytes arrive, and what was sent gives its memory back, but for what small buffers share', async () => {
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const [[peer], socket] = await Promise.all([
    once(server, 'connection') as Promise<[Socket]>,
    Promise.resolve(freeSent(connect(port, '127.0.0.1'))),
  ]);
  try {
    const wanted = createHash('sha256');
    const large: Buffer[] = [];
    // More than the system takes while nobody reads.
    for (let i = 0; i < 400; i += 1) {
      const bytes = Buffer.alloc(i % 2 === 0 ? 100 : 40_000 + i, i);
      wanted.update(bytes);
      if (bytes.length > 100) large.push(bytes);
      socket.write(bytes);
    }
    const small = Buffer.from('a small one');
    wanted.update(small);
    const told = new Promise<void>((resolve) => socket.write(small, () => resolve()));
    socket.end();
    const found = createHash('sha256');
    for await (const bytes of peer) found.update(bytes as Buffer);
    await told;
    assert.equal(found.digest('hex'), wanted.digest('hex'));
    assert.deepEqual(new Set(large.map(({ length }) => length)), new Set([0]));
    assert.equal(small.toString(), 'a small one');
  } finally {
    socket.destroy();
    server.close();
  }
});
