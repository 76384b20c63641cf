#!/usr/bin/env node
/**
 * Opens Holdfast backups without Holdfast: repositories and bundles of format version 1, on a folder.
 *
 * One file, nothing to install: Node 20 or newer. Written from docs/format.md alone, as a
 * second implementation; holdfast_decode.py is the third. It only reads the backups, and never uses the network.
 * zstd comes from Node where it can do what is needed, else from the decoder in this file.
 *
 * See USAGE below, or run it with --help.
 */

import { execFileSync } from 'node:child_process';
import {
  createDecipheriv,
  createHash,
  createHmac,
  createPublicKey,
  hkdfSync,
  randomBytes,
  scryptSync,
  timingSafeEqual,
  verify as verifySignatureOf,
} from 'node:crypto';
import * as fs from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as zlib from 'node:zlib';

const USAGE = `holdfast-decode: opens Holdfast backups without Holdfast

  list ADDRESS                    the backups in a folder that holds a repository or bundles
  show ADDRESS BACKUP             what one backup holds
  open ADDRESS BACKUP FOLDER      restore everything in it into a new folder
  open-bundle FILE FOLDER         the same for one bundle file
  check ADDRESS [BACKUP]          read everything and say what is damaged
  key                             the key itself, such as out of its printed, wrapped form

BACKUP is "latest" or the beginning of an id. ADDRESS is a folder: fetch a bucket or a server first.

The key comes from --key-file FILE (several are tried), BACKUP_ENCRYPTION_KEY, BACKUP_ENCRYPTION_KEY_FILE or
BACKUP_ENCRYPTION_KEY_OLD: hfk1-… is a raw key, hfw1-… a key wrapped under a passphrase (given by
--kit-passphrase-file FILE or HOLDFAST_KIT_PASSPHRASE), anything else a passphrase.

  --signers FILE        signers.json of the recovery kit: only what these keys signed counts
  --fingerprint HEX     the same by fingerprint; may be given several times
  --kit FOLDER          recovery kit whose copies of key slots, keyrings and signers stand in for lost ones
  --item NAME           open: only this artifact; may be given several times
  --keep-going          open: leave out what is damaged, and name it (exit code 4)
  --owners, --no-owners owners, setuid and setgid: default yes as root for open, no for open-bundle
  --json                one JSON document on standard output
  --zstd builtin        use the decoder in this file even where another is there

Exit codes: 0 done, 1 failed, 2 not understood, 4 damage was found, 5 no key or the wrong one.
`;

const EXIT = { failed: 1, usage: 2, damaged: 4, key: 5 };

class Failure extends Error {
  constructor(kind, message) {
    super(message);
    this.kind = kind;
  }
}
const damaged = (message) => new Failure('damaged', message);
const failed = (message) => new Failure('failed', message);
const usage = (message) => new Failure('usage', message);
/** Throws for what is damaged. A message that costs something is given as a function. */
const need = (condition, message) => {
  if (!condition) throw damaged(typeof message === 'function' ? message() : message);
};

/* ── bytes and text ─────────────────────────────────────────────────────────────────────────────────────────── */

const NOTHING = Buffer.alloc(0);
const latin1 = (text) => Buffer.from(text, 'latin1');
const b64 = (bytes) => Buffer.from(bytes).toString('base64url');

function fromB64(value, length, what) {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'base64url') : NOTHING;
  need(b64(bytes) === value && (length === null || bytes.length === length), `${what} is malformed`);
  return bytes;
}

function uuidBytes(text, what) {
  need(
    typeof text === 'string' && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text),
    `${what} is no uuid`,
  );
  return Buffer.from(text.replaceAll('-', ''), 'hex');
}

function parseJson(bytes, what) {
  let value;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw damaged(`${what} is not json`);
  }
  need(typeof value === 'object' && value !== null && !Array.isArray(value), `${what} is not an object`);
  return value;
}

const isInteger = (value, min, max) => Number.isInteger(value) && value >= min && value <= max;

/** For people: what could move a cursor or is not UTF-8 is escaped. */
function printable(value) {
  const bytes = Buffer.isBuffer(value) ? value : Buffer.from(String(value));
  const text = bytes.toString('utf8');
  const isText = Buffer.from(text).equals(bytes);
  const hidden = isText ? /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu : /[^\x20-\x7e]/g;
  return (isText ? text : bytes.toString('latin1')).replace(hidden, (c) => {
    const code = c.codePointAt(0);
    return code < 256 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
}

/* ── cryptography (format.md, sections 2 and 3) ─────────────────────────────────────────────────────────────── */

const sha256 = (...parts) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};
const hkdf = (key, salt, info, length) => Buffer.from(hkdfSync('sha256', key, salt, info, length));

/** The plaintext, or null when the tag does not fit. */
function gcmOpen(key, nonce, aad, stored) {
  if (stored.length < 16) return null;
  const cipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: 16 });
  cipher.setAAD(aad);
  cipher.setAuthTag(stored.subarray(stored.length - 16));
  const plain = cipher.update(stored.subarray(0, stored.length - 16));
  try {
    cipher.final();
    return plain;
  } catch {
    return null;
  }
}

function counterNonce(first, counter) {
  const nonce = Buffer.alloc(12);
  nonce.writeUInt32BE(first, 0);
  nonce.writeBigUInt64BE(BigInt(counter), 4);
  return nonce;
}

function ed25519Verifies(publicKey, message, signature) {
  try {
    const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), publicKey]);
    const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
    return verifySignatureOf(null, message, key, signature);
  } catch {
    return false;
  }
}

const BASE32 = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** Null for anything that is not the one spelling of some bytes; O, I and L are read as digits. */
function decodeBase32(text) {
  const out = [];
  let held = 0;
  let bits = 0;
  for (const symbol of text.toUpperCase().replaceAll('O', '0').replace(/[IL]/g, '1')) {
    const value = BASE32.indexOf(symbol);
    if (value < 0) return null;
    held = (held << 5) | value;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    out.push(held >> bits);
    held &= (1 << bits) - 1;
  }
  return bits >= 5 || held !== 0 ? null : Buffer.from(out);
}

function encodeBase32(bytes) {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return bits
    .match(/.{1,5}/g)
    .map((five) => BASE32[Number.parseInt(five.padEnd(5, '0'), 2)])
    .join('');
}

const keyText = (key) => {
  const symbols = encodeBase32(Buffer.concat([key, sha256('holdfast key', key).subarray(0, 4)]));
  return `hfk1-${symbols.match(/.{1,6}/g).join('-')}`;
};

/** What stands behind a prefix such as `hfk1-`, its checksum taken off. Throws for a mistyped one. */
function typedBytes(text, context) {
  const bytes = decodeBase32(text.slice(5).replace(/[-\s]/g, ''));
  const body = bytes?.subarray(0, -4) ?? NOTHING;
  if (body.length === 0 || !sha256(context, body).subarray(0, 4).equals(bytes.subarray(-4))) {
    throw new Failure('key', 'the key text is damaged: a character is wrong or missing');
  }
  return body;
}

/** A credential: `{ raw }` or `{ passphrase }`. */
function parseKeyText(text, kitPassphrase) {
  const plain = text.replace(/[\r\n]+$/, '');
  if (plain.trim() === '') throw new Failure('key', 'the key is empty');
  // The printed form of a recovery kit has lines of explanation.
  const typed = plain
    .split(/\r?\n/)
    .filter((line) => !/^\s*#/.test(line))
    .join('\n')
    .trim();
  const kind = /^hf([kwp])[1il][-\s]/i.exec(typed)?.[1].toLowerCase();
  if (kind === 'k') {
    const raw = typedBytes(typed, 'holdfast key');
    if (raw.length !== 32)
      throw new Failure('key', 'the key text is damaged: a character is wrong or missing');
    return { raw };
  }
  if (kind === 'p') return { passphrase: typedBytes(typed, 'holdfast passphrase').toString() };
  if (kind === 'w') return { raw: openPrintedKey(typedBytes(typed, 'holdfast wrapped key'), kitPassphrase) };
  return { passphrase: plain };
}

/** A printed, wrapped key (format.md, section 3): cost and salt, the wrapped key, the commitment. */
function openPrintedKey(body, kitPassphrase) {
  if (kitPassphrase === null) {
    throw new Failure(
      'key',
      'the key is wrapped under a passphrase: give --kit-passphrase-file or HOLDFAST_KIT_PASSPHRASE',
    );
  }
  const [version, logN, r, p] = body;
  if (version !== 1 || body.length !== 116) throw new Failure('key', 'the wrapped key is of an unknown form');
  const kdf = { name: 'scrypt', n: 2 ** logN, r, p, salt: b64(body.subarray(4, 36)) };
  const wrapped = { kdf, wrapped: b64(body.subarray(36, 84)), commitment: b64(body.subarray(84)) };
  const aad = Buffer.concat([Buffer.from('holdfast v1 printed key'), body.subarray(0, 4)]);
  checkWrapped(wrapped, 2 ** 26);
  const key = unwrapKey(wrapped, { passphrase: kitPassphrase }, aad);
  if (key === null) throw new Failure('key', 'the passphrase does not open the printed key');
  return key;
}

function checkWrapped(slot, maxWork) {
  fromB64(slot.wrapped, 48, 'a wrapped key');
  fromB64(slot.commitment, 32, 'a commitment');
  const { name, n, r, p, salt } = slot.kdf ?? {};
  // A key management service opens it, and nothing here.
  if (name === 'kms') return;
  fromB64(salt, 32, 'a salt');
  if (name === 'hkdf') return;
  need(name === 'scrypt', 'a key slot has an unknown kdf');
  need(isInteger(n, 2, 2 ** 20) && Number.isInteger(Math.log2(n)), 'a key slot has a wrong scrypt n');
  need(
    isInteger(r, 1, 16) && isInteger(p, 1, 4) && n * r * p <= maxWork,
    'a key slot asks for too much work',
  );
}

/** The 32 bytes a slot wraps, or null when this credential does not open it, whatever the reason. */
function unwrapKey(slot, credential, aad) {
  const { name, n, r, p, salt } = slot.kdf;
  if (name === 'kms') return null;
  if ((name === 'hkdf') !== (credential.raw !== undefined)) return null;
  const saltBytes = Buffer.from(salt, 'base64url');
  const k =
    name === 'hkdf'
      ? hkdf(credential.raw, saltBytes, 'holdfast v1 slot', 32)
      : scryptSync(credential.passphrase, saltBytes, 32, {
          N: n,
          r,
          p,
          maxmem: 128 * r * (n + p + 2) + 2 ** 20,
        });
  const both = hkdf(k, NOTHING, 'holdfast v1 slot wrap', 64);
  if (!timingSafeEqual(both.subarray(32), Buffer.from(slot.commitment, 'base64url'))) return null;
  return gcmOpen(both.subarray(0, 32), Buffer.alloc(12), aad, Buffer.from(slot.wrapped, 'base64url'));
}

const rawKeyId = (key) => hkdf(key, NOTHING, 'holdfast v1 key id', 8).toString('hex');

/* ── zstd (RFC 8878): used where Node has none, or none that takes a dictionary ──────────────────────────────── */

const LENGTHS = { literal: [], match: [] };
{
  const fill = (table, plain, first, extras) => {
    for (let i = 0; i < plain; i += 1) table.push([first + i, 0]);
    let base = first + plain;
    for (const bits of extras) {
      table.push([base, bits]);
      base += 2 ** bits;
    }
  };
  fill(LENGTHS.literal, 16, 0, [1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
  fill(LENGTHS.match, 32, 3, [1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
}

const highBit = (value) => 31 - Math.clz32(value);

/** Reads bits from the low end of bytes. */
function forwardBits(bytes, start) {
  let at = start * 8;
  return {
    read(count) {
      let value = 0;
      for (let i = 0; i < count; i += 1, at += 1) {
        need(at >> 3 < bytes.length, 'a zstd table is cut short');
        value |= ((bytes[at >> 3] >> (at & 7)) & 1) << i;
      }
      return value;
    },
    back(count) {
      at -= count;
    },
    byteEnd: () => (at + 7) >> 3,
  };
}

/** Reads bits from the high end backwards; beyond the beginning there are zeros, and `left` is negative. */
class BackwardBits {
  constructor(bytes, start, end) {
    need(end > start && bytes[end - 1] !== 0, 'a zstd bit stream has no end mark');
    this.bytes = bytes;
    this.start = start;
    this.left = (end - start - 1) * 8 + highBit(bytes[end - 1]);
  }
  /** Up to 24 bits, without taking them. */
  peek(count) {
    const { bytes, start } = this;
    const low = this.left - count;
    if (low < 0) return this.left <= 0 ? 0 : this.peekAt(0, this.left) << -low;
    const at = start + (low >> 3);
    const word =
      (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> (low & 7);
    return word & ((1 << count) - 1);
  }
  peekAt(low, count) {
    let value = 0;
    for (let i = 0; i < count; i += 1) {
      const bit = low + i;
      value |= ((this.bytes[this.start + (bit >> 3)] >> (bit & 7)) & 1) << i;
    }
    return value;
  }
  read(count) {
    if (count > 24) return this.read(count - 16) * 65_536 + this.read(16);
    if (count === 0) return 0;
    const value = this.peek(count);
    this.left -= count;
    return value;
  }
}

function fseTable(norm, log) {
  const size = 1 << log;
  const symbols = new Uint8Array(size);
  const next = norm.map((probability) => (probability < 0 ? 1 : probability));
  let high = size;
  norm.forEach((probability, symbol) => {
    if (probability < 0) symbols[--high] = symbol;
  });
  const step = (size >> 1) + (size >> 3) + 3;
  let at = 0;
  norm.forEach((probability, symbol) => {
    for (let i = 0; i < probability; i += 1) {
      symbols[at] = symbol;
      do at = (at + step) & (size - 1);
      while (at >= high);
    }
  });
  need(at === 0, 'a zstd table does not add up');
  const bits = new Uint8Array(size);
  const base = new Uint16Array(size);
  for (let i = 0; i < size; i += 1) {
    const value = next[symbols[i]]++;
    bits[i] = log - highBit(value);
    base[i] = (value << bits[i]) - size;
  }
  return { log, symbols, bits, base };
}

/** A table as it is described in a block, and where the description ends. */
function readFseTable(bytes, start, maxLog, maxSymbol) {
  const input = forwardBits(bytes, start);
  const log = input.read(4) + 5;
  need(log <= maxLog, 'a zstd table is too fine');
  let remaining = 1 << log;
  const norm = [];
  while (remaining > 0) {
    need(norm.length <= maxSymbol, 'a zstd table has too many symbols');
    const count = highBit(remaining + 1) + 1;
    let value = input.read(count);
    const lower = (1 << (count - 1)) - 1;
    const threshold = (1 << count) - 1 - (remaining + 1);
    if ((value & lower) < threshold) {
      input.back(1);
      value &= lower;
    } else if (value > lower) value -= threshold;
    const probability = value - 1;
    remaining -= Math.abs(probability);
    norm.push(probability);
    if (probability !== 0) continue;
    for (let repeat = 3; repeat === 3; ) {
      repeat = input.read(2);
      for (let i = 0; i < repeat; i += 1) norm.push(0);
    }
  }
  need(remaining === 0 && norm.length <= maxSymbol + 1, 'a zstd table does not add up');
  return { table: fseTable(norm, log), end: input.byteEnd() };
}

const repeat = (count, value) => Array(count).fill(value);
const PREDEFINED = {
  literal: fseTable(
    [4, 3, ...repeat(11, 2), 1, 1, 1, ...repeat(9, 2), 3, 2, ...repeat(5, 1), ...repeat(4, -1)],
    6,
  ),
  offset: fseTable([...repeat(6, 1), 2, 2, 2, ...repeat(15, 1), ...repeat(5, -1)], 5),
  match: fseTable([1, 4, 3, ...repeat(6, 2), ...repeat(37, 1), ...repeat(7, -1)], 6),
};

function readHuffmanTable(bytes, start, limit) {
  need(start < limit, 'a zstd block is cut short');
  const header = bytes[start];
  const weights = [];
  let end;
  if (header >= 128) {
    const count = header - 127;
    end = start + 1 + ((count + 1) >> 1);
    need(end <= limit, 'a zstd block is cut short');
    for (let i = 0; i < count; i += 1) {
      const pair = bytes[start + 1 + (i >> 1)];
      weights.push(i & 1 ? pair & 15 : pair >> 4);
    }
  } else {
    end = start + 1 + header;
    need(end <= limit, 'a zstd block is cut short');
    const { table, end: tableEnd } = readFseTable(bytes.subarray(0, end), start + 1, 6, 255);
    const input = new BackwardBits(bytes, tableEnd, end);
    const states = [input.read(table.log), input.read(table.log)];
    for (let turn = 0; ; turn ^= 1) {
      need(weights.length < 255, 'a zstd table has too many symbols');
      const state = states[turn];
      weights.push(table.symbols[state]);
      states[turn] = table.base[state] + input.read(table.bits[state]);
      if (input.left >= 0) continue;
      weights.push(table.symbols[states[turn ^ 1]]);
      break;
    }
  }
  let sum = 0;
  for (const weight of weights) sum += weight > 0 ? 1 << (weight - 1) : 0;
  need(sum > 0, 'a zstd table does not add up');
  const log = highBit(sum) + 1;
  const rest = (1 << log) - sum;
  need(log <= 11 && (rest & (rest - 1)) === 0 && weights.length < 256, 'a zstd table does not add up');
  weights.push(highBit(rest) + 1);
  const symbols = new Uint8Array(1 << log);
  const lengths = new Uint8Array(1 << log);
  let at = 0;
  for (let weight = 1; weight <= log; weight += 1) {
    weights.forEach((one, symbol) => {
      if (one !== weight) return;
      const many = 1 << (weight - 1);
      symbols.fill(symbol, at, at + many);
      lengths.fill(log + 1 - weight, at, at + many);
      at += many;
    });
  }
  return { table: { log, symbols, lengths }, end };
}

function huffmanStream(table, bytes, start, end, target, from, to) {
  const input = new BackwardBits(bytes, start, end);
  const { log, symbols, lengths } = table;
  for (let i = from; i < to; i += 1) {
    const code = input.peek(log);
    target[i] = symbols[code];
    input.left -= lengths[code];
  }
  need(input.left === 0, 'a zstd literal stream does not end where it should');
}

/** Decodes blocks of one frame. `history` holds the dictionary and the last bytes given out. */
class ZstdBlocks {
  constructor(windowBytes, dictionary) {
    this.keep = windowBytes + dictionary.length;
    this.history = Buffer.alloc(dictionary.length + Math.min(windowBytes, 2 ** 20) + 2 ** 18);
    dictionary.copy(this.history);
    this.end = dictionary.length;
    this.huffman = null;
    this.tables = { literal: null, offset: null, match: null };
    this.repeats = [1, 4, 8];
  }
  room(bytes) {
    if (this.end + bytes <= this.history.length) return;
    if (this.end > this.keep + 2 ** 22) {
      this.history.copyWithin(0, this.end - this.keep, this.end);
      this.end = this.keep;
    }
    if (this.end + bytes <= this.history.length) return;
    const larger = Buffer.alloc(Math.max(2 * this.history.length, this.end + bytes));
    this.history.copy(larger, 0, 0, this.end);
    this.history = larger;
  }
  plain(bytes) {
    this.room(bytes.length);
    bytes.copy(this.history, this.end);
    this.end += bytes.length;
    return bytes;
  }
  compressed(bytes, maxBytes) {
    this.room(maxBytes);
    const start = this.end;
    const { literals, end } = this.literals(bytes, maxBytes);
    this.sequences(bytes, end, literals, start + maxBytes);
    return Buffer.from(this.history.subarray(start, this.end));
  }
  literals(bytes, maxBytes) {
    need(bytes.length > 0, 'a zstd block is empty');
    const type = bytes[0] & 3;
    const format = (bytes[0] >> 2) & 3;
    const field = (count) => {
      need(bytes.length >= count, 'a zstd block is cut short');
      return bytes.readUIntLE(0, count);
    };
    if (type < 2) {
      const head = [1, 2, 1, 3][format];
      const size = Math.floor(field(head) / [8, 16, 8, 16][format]);
      const stored = type === 0 ? size : 1;
      need(size <= maxBytes && head + stored <= bytes.length, 'a zstd block is cut short');
      const literals = type === 0 ? bytes.subarray(head, head + size) : Buffer.alloc(size, bytes[head]);
      return { literals, end: head + stored };
    }
    const head = [3, 3, 4, 5][format];
    const bits = [10, 10, 14, 18][format];
    const both = Math.floor(field(head) / 16);
    const size = both % 2 ** bits;
    const end = head + Math.floor(both / 2 ** bits);
    need(size <= maxBytes && end <= bytes.length, 'a zstd block is cut short');
    let at = head;
    if (type === 2) {
      const read = readHuffmanTable(bytes, at, end);
      this.huffman = read.table;
      at = read.end;
    }
    need(this.huffman !== null, 'a zstd block needs a table that never came');
    const literals = Buffer.alloc(size);
    if (format === 0) huffmanStream(this.huffman, bytes, at, end, literals, 0, size);
    else {
      need(at + 6 <= end, 'a zstd block is cut short');
      const quarter = (size + 3) >> 2;
      let from = at + 6;
      for (let i = 0; i < 4; i += 1) {
        const to = i < 3 ? from + bytes.readUInt16LE(at + 2 * i) : end;
        need(to <= end && i * quarter <= size, 'a zstd block is cut short');
        huffmanStream(
          this.huffman,
          bytes,
          from,
          to,
          literals,
          i * quarter,
          i < 3 ? Math.min(size, (i + 1) * quarter) : size,
        );
        from = to;
      }
    }
    return { literals, end };
  }
  tableFor(name, mode, bytes, at, maxLog, maxSymbol) {
    if (mode === 0) this.tables[name] = PREDEFINED[name];
    else if (mode === 1) {
      need(at < bytes.length && bytes[at] <= maxSymbol, 'a zstd block is cut short');
      this.tables[name] = { log: 0, symbols: [bytes[at]], bits: [0], base: [0] };
      return at + 1;
    } else if (mode === 2) {
      const { table, end } = readFseTable(bytes, at, maxLog, maxSymbol);
      this.tables[name] = table;
      return end;
    }
    need(this.tables[name] !== null, 'a zstd block needs a table that never came');
    return at;
  }
  sequences(bytes, start, literals, limit) {
    need(start < bytes.length, 'a zstd block is cut short');
    let at = start + 1;
    let count = bytes[start];
    if (count >= 128) {
      need(at + (count === 255 ? 2 : 1) <= bytes.length, 'a zstd block is cut short');
      if (count === 255) {
        count = bytes.readUInt16LE(at) + 0x7f00;
        at += 2;
      } else {
        count = ((count - 128) << 8) + bytes[at];
        at += 1;
      }
    }
    let taken = 0;
    if (count > 0) {
      need(at < bytes.length && (bytes[at] & 3) === 0, 'a zstd block has reserved bits set');
      const modes = bytes[at];
      at = this.tableFor('literal', modes >> 6, bytes, at + 1, 9, 35);
      at = this.tableFor('offset', (modes >> 4) & 3, bytes, at, 8, 31);
      at = this.tableFor('match', (modes >> 2) & 3, bytes, at, 9, 52);
      const { literal, offset, match } = this.tables;
      const input = new BackwardBits(bytes, at, bytes.length);
      let [l, o, m] = [input.read(literal.log), input.read(offset.log), input.read(match.log)];
      for (let i = 0; i < count; i += 1) {
        const offsetCode = offset.symbols[o];
        const offsetValue = 2 ** offsetCode + input.read(offsetCode);
        const [matchBase, matchBits] = LENGTHS.match[match.symbols[m]];
        const matchLength = matchBase + input.read(matchBits);
        const [literalBase, literalBits] = LENGTHS.literal[literal.symbols[l]];
        const literalLength = literalBase + input.read(literalBits);
        if (i + 1 < count) {
          l = literal.base[l] + input.read(literal.bits[l]);
          m = match.base[m] + input.read(match.bits[m]);
          o = offset.base[o] + input.read(offset.bits[o]);
        }
        need(input.left >= 0, 'a zstd bit stream is cut short');
        need(taken + literalLength <= literals.length, 'a zstd block takes more literals than it has');
        need(this.end + literalLength + matchLength <= limit, 'a zstd block gives more than it may');
        literals.copy(this.history, this.end, taken, taken + literalLength);
        this.end += literalLength;
        taken += literalLength;
        this.copyMatch(this.offsetOf(offsetValue, literalLength), matchLength);
      }
      need(input.left === 0, 'a zstd bit stream does not end where it should');
    } else need(at === bytes.length, 'a zstd block has bytes behind its end');
    need(this.end + literals.length - taken <= limit, 'a zstd block gives more than it may');
    literals.copy(this.history, this.end, taken);
    this.end += literals.length - taken;
  }
  offsetOf(value, literalLength) {
    const { repeats } = this;
    let offset = value - 3;
    if (value <= 3) {
      const index = value - 1 + (literalLength === 0 ? 1 : 0);
      if (index === 0) return repeats[0];
      offset = index === 3 ? repeats[0] - 1 : repeats[index];
      if (index === 1) {
        repeats[1] = repeats[0];
        repeats[0] = offset;
        return offset;
      }
    }
    repeats[2] = repeats[1];
    repeats[1] = repeats[0];
    repeats[0] = offset;
    return offset;
  }
  copyMatch(offset, length) {
    const { history } = this;
    need(offset > 0 && offset <= Math.min(this.end, this.keep), 'a zstd match reaches too far back');
    let to = this.end;
    this.end += length;
    if (offset >= length) history.copyWithin(to, to - offset, to - offset + length);
    else for (; to < this.end; to += 1) history[to] = history[to - offset];
  }
}

/**
 * Decodes frames. A generator that asks for input by yielding a number of bytes, a negative one where the input may
 * end, and gives output by yielding bytes.
 */
function* zstdFrames(maxWindowBytes, dictionary) {
  for (;;) {
    const magic = yield -4;
    if (magic === null) return;
    const number = magic.readUInt32LE(0);
    if (number >= 0x184d2a50 && number <= 0x184d2a5f) {
      yield (yield 4).readUInt32LE(0);
      continue;
    }
    need(number === 0xfd2fb528, 'something is no zstd frame');
    const descriptor = (yield 1)[0];
    need((descriptor & 8) === 0, 'a zstd frame has reserved bits set');
    const isSingle = (descriptor & 32) !== 0;
    let windowBytes = 0;
    if (!isSingle) {
      const byte = (yield 1)[0];
      windowBytes = 2 ** (10 + (byte >> 3)) * (1 + (byte & 7) / 8);
    }
    const idBytes = [0, 1, 2, 4][descriptor & 3];
    if (idBytes > 0) yield idBytes;
    const sizeBytes = [isSingle ? 1 : 0, 2, 4, 8][descriptor >> 6];
    let contentBytes = null;
    if (sizeBytes > 0) {
      const field = yield sizeBytes;
      contentBytes = sizeBytes === 8 ? Number(field.readBigUInt64LE(0)) : field.readUIntLE(0, sizeBytes);
      if (sizeBytes === 2) contentBytes += 256;
      if (isSingle) windowBytes = contentBytes;
    }
    need(windowBytes <= maxWindowBytes, 'a zstd frame asks for too large a window');
    const maxBlockBytes = Math.min(2 ** 17, Math.max(windowBytes, 1));
    const blocks = new ZstdBlocks(windowBytes, dictionary);
    let given = 0;
    for (let last = false; !last; ) {
      const head = (yield 3).readUIntLE(0, 3);
      last = (head & 1) === 1;
      const type = (head >> 1) & 3;
      const size = head >> 3;
      need(type !== 3 && (size <= maxBlockBytes || (isSingle && size === 0)), 'a zstd block is too large');
      let output = NOTHING;
      if (type === 0) output = size > 0 ? blocks.plain(yield size) : NOTHING;
      else if (type === 1) output = blocks.plain(Buffer.alloc(size, yield 1));
      else output = blocks.compressed(yield size, maxBlockBytes);
      given += output.length;
      if (output.length > 0) yield output;
    }
    need(contentBytes === null || contentBytes === given, 'a zstd frame has another size than it says');
    // The checksum is not looked at: everything decoded here is checked by something stronger.
    if ((descriptor & 4) !== 0) yield 4;
  }
}

function zstdBuiltin(bytes, maxBytes, dictionary = NOTHING) {
  const parts = [];
  let at = 0;
  let total = 0;
  const frames = zstdFrames(2 ** 27, dictionary);
  for (let step = frames.next(); !step.done; ) {
    if (typeof step.value !== 'number') {
      total += step.value.length;
      need(total <= maxBytes, 'a zstd frame gives more than it may');
      parts.push(step.value);
      step = frames.next();
      continue;
    }
    const wanted = Math.abs(step.value);
    if (step.value < 0 && at === bytes.length) step = frames.next(null);
    else {
      need(at + wanted <= bytes.length, 'a zstd frame is cut short');
      step = frames.next(bytes.subarray(at, at + wanted));
      at += wanted;
    }
  }
  return Buffer.concat(parts, total);
}

/** "this is a dictionary with some other content and hello world", made with the dictionary of the next line. */
const PROBE = Buffer.from('28b52ffd203ca50000406f74686572616e6403004de3630c85aa460501', 'hex');
const PROBE_DICTIONARY = Buffer.from('hello world this is a dictionary with some content '.repeat(4));
const PROBE_TEXT = 'this is a dictionary with some other content and hello world';

function zstdOfNode(bytes, maxBytes, dictionary) {
  try {
    return zlib.zstdDecompressSync(bytes, {
      maxOutputLength: Math.max(1, maxBytes),
      params: { [zlib.constants.ZSTD_d_windowLogMax]: 27 },
      ...(dictionary ? { dictionary } : {}),
    });
  } catch {
    throw damaged('something does not decompress');
  }
}

function nodeTakesDictionaries() {
  try {
    return zstdOfNode(PROBE, 1000, PROBE_DICTIONARY).toString() === PROBE_TEXT;
  } catch {
    return false;
  }
}

const zstd = { plain: zstdBuiltin, withDictionary: zstdBuiltin, hasStream: false };

function chooseZstd(name) {
  if (name !== 'auto' && name !== 'builtin') throw usage(`--zstd is auto or builtin, not ${name}`);
  if (name === 'builtin' || typeof zlib.zstdDecompressSync !== 'function') return;
  zstd.plain = zstdOfNode;
  zstd.hasStream = true;
  if (nodeTakesDictionaries()) zstd.withDictionary = zstdOfNode;
}

/* ── objects on storage (format.md, sections 1 and 2) ───────────────────────────────────────────────────────── */

const TYPES = {
  pack: 1,
  index: 2,
  manifest: 3,
  keyring: 4,
  signer: 5,
  hold: 6,
  tombstone: 7,
  lease: 8,
  evidence: 9,
};
const HEADER_BYTES = 92;
const SEGMENT_BYTES = 2 ** 20 + 16;
const MAX_PAYLOAD_BYTES = 2 ** 28;

/** A folder of objects; `spare` is the recovery kit's copy of the small ones, or null. */
function openStore(folder, spare) {
  const list = (root, prefix) => {
    const names = [];
    const walk = (below) => {
      let entries;
      try {
        entries = fs.readdirSync(join(root, below), { withFileTypes: true });
      } catch (error) {
        if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return;
        throw error;
      }
      for (const entry of entries) {
        if (entry.isDirectory()) walk(`${below}${entry.name}/`);
        else if (entry.isFile()) names.push(below + entry.name);
      }
    };
    walk(prefix);
    return names.sort();
  };
  const read = (root, name) => {
    try {
      return fs.readFileSync(join(root, name));
    } catch (error) {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
      throw failed(`${join(root, name)} cannot be read: ${error.code}`);
    }
  };
  return {
    folder,
    list: (prefix) => list(folder, prefix),
    get: (name) => read(folder, name),
    /** Names with the kit's added. */
    listHead: (prefix) =>
      [...new Set([...list(folder, prefix), ...(spare ? list(spare, prefix) : [])])].sort(),
    /** All there is of one of the small objects, the destination's own first. */
    copies(name) {
      const all = [read(folder, name), spare ? read(spare, name) : null].filter((one) => one !== null);
      return all.length === 2 && all[0].equals(all[1]) ? [all[0]] : all;
    },
    sizeOf: (name) => fs.statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? null,
    open: (name) => fs.openSync(join(folder, name), 'r'),
  };
}

/** The object key, once the header proved to belong to type, repository and master key. */
function openHeader(bytes, type, repositoryId, masterKeyOf) {
  need(bytes.length >= HEADER_BYTES && bytes.toString('latin1', 0, 4) === 'HFST', 'an object has no header');
  if (bytes[4] !== 1 || bytes[6] !== 0) throw failed('an object was written by a later version of Holdfast');
  need(bytes[7] === 0 && bytes[5] === TYPES[type], `an object is not the ${type} it should be`);
  need(bytes.subarray(12, 28).equals(repositoryId), 'an object belongs to another repository');
  const epoch = bytes.readUInt32LE(8);
  const header = Buffer.from(bytes.subarray(0, HEADER_BYTES));
  const info = Buffer.concat([Buffer.from('holdfast v1 object'), header.subarray(5, 6), repositoryId]);
  const both = hkdf(masterKeyOf(epoch), header.subarray(28, 60), info, 64);
  need(
    timingSafeEqual(both.subarray(32), header.subarray(60)),
    `an object is not sealed under the key of epoch ${epoch}`,
  );
  return { key: both.subarray(0, 32), header, epoch };
}

function openSealed(bytes, type, repositoryId, masterKeyOf) {
  const { key, header, epoch } = openHeader(bytes, type, repositoryId, masterKeyOf);
  need(bytes.length <= 2 * MAX_PAYLOAD_BYTES, 'a sealed object is too large');
  const parts = [];
  for (let at = HEADER_BYTES, i = 0; i === 0 || at < bytes.length; at += SEGMENT_BYTES, i += 1) {
    const last = at + SEGMENT_BYTES >= bytes.length;
    const plain = gcmOpen(
      key,
      counterNonce(last ? 0x01000000 : 0, i),
      header,
      bytes.subarray(at, at + SEGMENT_BYTES),
    );
    need(plain !== null, `a ${type} is not authentic`);
    parts.push(plain);
  }
  const plain = Buffer.concat(parts);
  const body = plain.subarray(1);
  need(body.length <= MAX_PAYLOAD_BYTES, 'a sealed object is too large');
  if (plain[0] === 0) return { payload: body, epoch };
  need(plain[0] === 1, `a ${type} has an unknown encoding`);
  return { payload: zstd.plain(body, MAX_PAYLOAD_BYTES), epoch };
}

/* ── opening a repository (sections 3 and 7) ────────────────────────────────────────────────────────────────── */

const epochName = (folder, epoch) => `${folder}/${String(epoch).padStart(8, '0')}`;
const WRONG_KEY = 'no key given opens this';

/** Runs `read` on each copy until one is good; throws what the first one was refused for. */
function firstGood(name, copies, read) {
  let failure = null;
  for (const bytes of copies) {
    try {
      return read(bytes);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      failure ??= error;
    }
  }
  throw failure ? new Failure(failure.kind, `${name}: ${failure.message}`) : damaged(`${name} is missing`);
}

function readConfig(bytes) {
  const config = parseJson(bytes, 'config');
  if (Number.isInteger(config.format) && config.format > 1) {
    throw failed(`the repository has format ${config.format}: use the decoder of a later version`);
  }
  need(config.format === 1, 'config has no format');
  return { ...config, id: uuidBytes(config.repositoryId, 'the repository id') };
}

function readSlot(bytes, name) {
  need(bytes.length <= 65_536, 'a key slot is too large');
  const slot = parseJson(bytes, 'a key slot');
  if (Number.isInteger(slot.version) && slot.version > 1)
    throw failed('a key slot was written by a later version');
  need(slot.version === 1 && isInteger(slot.epoch, 1, 99_999_999), 'a key slot is malformed');
  need(name === `keys/${slot.slotId}`, 'a key slot lies under another name');
  uuidBytes(slot.slotId, 'a slot id');
  checkWrapped(slot, 2 ** 26);
  return slot;
}

function slotAad(slot, repositoryId) {
  const epoch = Buffer.alloc(4);
  epoch.writeUInt32LE(slot.epoch);
  return Buffer.concat([
    Buffer.from('holdfast v1 slot'),
    repositoryId,
    epoch,
    uuidBytes(slot.slotId, 'a slot id'),
  ]);
}

function readKeyring(bytes, epoch, masterKey, id) {
  const opened = openSealed(bytes, 'keyring', id, () => masterKey);
  const ring = parseJson(opened.payload, 'a keyring');
  need(ring.version === 1 && ring.epoch === epoch && opened.epoch === epoch, 'a keyring is of another epoch');
  need(uuidBytes(ring.repositoryId, 'the repository id').equals(id), 'a keyring is of another repository');
  const masterKeys = new Map([[epoch, masterKey]]);
  for (const one of ring.previous) masterKeys.set(one.epoch, fromB64(one.masterKey, 32, 'a master key'));
  return { epoch, masterKeys, secret: fromB64(ring.secret, 32, 'the repository secret') };
}

/** Tries slots, newest epoch first and fitting key ids before others. */
function unlock(store, config, credentials, warn) {
  const slots = [];
  for (const name of store.listHead('keys/')) {
    try {
      const slot = firstGood(name, store.copies(name), (bytes) => ({
        ...readSlot(bytes, name),
        bytes,
        name,
      }));
      if (slot.repositoryId === config.repositoryId) slots.push(slot);
      else warn(`${name}: belongs to another repository`);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      warn(error.message);
    }
  }
  if (slots.length === 0) throw damaged('there is no key slot that belongs to this repository');
  const fits = (slot, { raw }) => (raw !== undefined && rawKeyId(raw) === slot.keyId ? 0 : 1);
  const pairs = slots.flatMap((slot) => credentials.map((credential) => [slot, credential]));
  pairs.sort((a, b) => b[0].epoch - a[0].epoch || fits(...a) - fits(...b));
  let failure = null;
  for (const [slot, credential] of pairs) {
    const masterKey = unwrapKey(slot, credential, slotAad(slot, config.id));
    if (masterKey === null) continue;
    const name = epochName('keyrings', slot.epoch);
    try {
      const ring = firstGood(name, store.copies(name), (bytes) =>
        readKeyring(bytes, slot.epoch, masterKey, config.id),
      );
      return { ...ring, slots };
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      failure ??= error;
    }
  }
  if (failure) throw failure;
  const newest = Math.max(...slots.map(({ epoch }) => epoch));
  const current = slots.filter(({ epoch }) => epoch === newest);
  const ids = current.map(({ keyId, label }) => printable(label ? `${keyId} (${label})` : keyId));
  const tried = current.map(({ name }) => name).join(', ');
  throw new Failure('key', `${WRONG_KEY} repository; it needs key ${ids.join(' or ')}; tried ${tried}`);
}

function readSigner(bytes, name, repository) {
  const epoch = Number(name.split('/')[1]);
  const opened = openSealed(bytes, 'signer', repository.id, repository.masterKeyOf);
  const signer = parseJson(opened.payload, 'a signer');
  const publicKey = fromB64(signer.publicKey, 32, 'a public key');
  const fingerprint = sha256(publicKey).toString('hex');
  need(opened.epoch === epoch && signer.version === 1, 'a signer is of another epoch');
  need(
    signer.fingerprint === fingerprint && name.endsWith(`/${fingerprint}`),
    'a signer lies under another fingerprint',
  );
  return { fingerprint, publicKey, host: String(signer.host), retiredAt: signer.retiredAt };
}

/** Who may have signed: of the repository, narrowed down to what the recovery kit names. */
function signersOf(store, repository, trusted, warn) {
  const known = new Map();
  for (const name of store.listHead(`${epochName('signers', repository.epoch)}/`)) {
    try {
      const signer = firstGood(name, store.copies(name), (bytes) => readSigner(bytes, name, repository));
      known.set(signer.fingerprint, signer);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      warn(error.message);
    }
  }
  if (trusted === null) return known;
  const accepted = new Map();
  for (const [fingerprint, publicKey] of trusted) {
    const signer =
      known.get(fingerprint) ?? (publicKey && { fingerprint, publicKey, host: '', retiredAt: null });
    if (signer) accepted.set(fingerprint, signer);
  }
  return accepted;
}

function openRepository(store, options) {
  const { warn } = options;
  const config = firstGood('config', store.copies('config'), readConfig);
  if (options.credentials.length === 0)
    throw new Failure('key', 'no key was given: set BACKUP_ENCRYPTION_KEY or --key-file');
  const { epoch, masterKeys, secret, slots } = unlock(store, config, options.credentials, warn);
  const masterKeyOf = (wanted) => {
    const key = masterKeys.get(wanted);
    if (key === undefined) throw new Failure('key', `no key given opens epoch ${wanted}`);
    return key;
  };
  const repository = {
    store,
    id: config.id,
    idText: config.repositoryId,
    epoch,
    masterKeys,
    masterKeyOf,
    slots,
    chunkIdKey: hkdf(secret, NOTHING, 'holdfast v1 chunk id', 32),
  };
  repository.signers = signersOf(store, repository, options.trusted, warn);
  return repository;
}

/* ── manifests (section 7) ──────────────────────────────────────────────────────────────────────────────────── */

const ID = '[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}';
const MANIFEST_NAME = new RegExp(
  `^(backups|archived)/([^/]+)/(\\d{4})/(\\d{2})/(\\d{2})/(db|storage|full)_(\\d{4}-\\d{2}-\\d{2}T\\d{2}-\\d{2}-\\d{2}-\\d{3}Z)_(${ID})$`,
);

const pathOf = ({ tenantId, type, startedAt, id }) =>
  `${tenantId ?? 'global'}/${startedAt.slice(0, 10).replaceAll('-', '/')}/${type}_${startedAt.replace(/[:.]/g, '-')}_${id}`;

/** The parts every reader depends on, checked; in a bundle the rest of the manifest only informs. */
function checkManifest(manifest, isInBundle) {
  need(typeof manifest.id === 'string' && Array.isArray(manifest.artifacts), 'a manifest is malformed');
  if (!isInBundle) {
    need(manifest.version === 1 && typeof manifest.startedAt === 'string', 'a manifest is not of version 1');
    need(
      manifest.tenantId === null || typeof manifest.tenantId === 'string',
      'a manifest has a malformed tenant',
    );
  }
  for (const artifact of manifest.artifacts) {
    const { name, form, sizeBytes, content } = artifact;
    need(typeof name === 'string' && name !== '', 'an artifact has no name');
    need(form === 'stream' || form === 'tree', 'an artifact is of an unknown form');
    need(
      isInteger(sizeBytes, 0, Number.MAX_SAFE_INTEGER) && /^[0-9a-f]{64}$/.test(artifact.sha256),
      'an artifact is malformed',
    );
    if (isInBundle) continue;
    need(
      isInteger(content?.depth, 0, 4) && isInteger(content.sizeBytes, 0, Number.MAX_SAFE_INTEGER),
      'a content is malformed',
    );
    content.refs = fromB64(content.refs, null, 'a list of references');
    need(
      content.refs.length % 36 === 0 && content.refs.length <= 4096 * 36,
      'a list of references is malformed',
    );
  }
  return manifest;
}

function readManifest(repository, name, bytes) {
  const { payload } = openSealed(bytes, 'manifest', repository.id, repository.masterKeyOf);
  need(payload.length > 96, 'a manifest is cut short');
  const [signature, fingerprint, json] = [
    payload.subarray(0, 64),
    payload.subarray(64, 96).toString('hex'),
    payload.subarray(96),
  ];
  const signer = repository.signers.get(fingerprint);
  need(signer !== undefined, `is signed by ${fingerprint}, who is not among the signers`);
  const message = Buffer.concat([Buffer.from('holdfast v1 manifest'), repository.id, json]);
  need(ed25519Verifies(signer.publicKey, message, signature), 'has a signature that does not match');
  const manifest = checkManifest(parseJson(json, 'a manifest'), false);
  need(manifest.repositoryId === repository.idText, 'belongs to another repository');
  need(name.slice(name.indexOf('/') + 1) === pathOf(manifest), 'lies where it does not belong');
  need(
    !signer.retiredAt || manifest.startedAt <= signer.retiredAt,
    'was signed by a signer retired before it began',
  );
  return { ...manifest, state: name.slice(0, name.indexOf('/')), signedBy: fingerprint };
}

/** Every manifest that counts, newest first. What does not is told to `reject`. */
function readManifests(repository, reject) {
  const { store } = repository;
  const names = new Set();
  for (const state of ['backups', 'archived']) {
    for (const name of store.list(`${state}/`)) names.add(name);
    for (const name of store.list(`resealed/${state}/`)) names.add(name.slice('resealed/'.length));
  }
  const found = new Map();
  for (const name of [...names].sort().reverse()) {
    const match = MANIFEST_NAME.exec(name);
    if (match === null) {
      reject(name, 'is not the name of a manifest');
      continue;
    }
    try {
      const bytes = store.get(name) ?? store.get(`resealed/${name}`);
      const manifest = readManifest(repository, name, bytes);
      // One that lies in both folders counts as not archived; `backups/` comes first here.
      if (!found.has(manifest.id)) found.set(manifest.id, manifest);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      reject(name, error.message);
    }
  }
  return [...found.values()].sort((a, b) =>
    a.startedAt < b.startedAt ? 1 : a.startedAt > b.startedAt ? -1 : a.id < b.id ? 1 : -1,
  );
}

/** The one backup that is named. `all` comes newest first. */
function chosen(all, text) {
  if (text === 'latest') {
    const newest = all.find(({ state }) => state === 'backups');
    if (newest) return newest;
    throw usage('there is no backup');
  }
  const found = all.filter(({ id }) => id.startsWith(text));
  if (found.length === 1) return found[0];
  throw usage(
    found.length === 0
      ? `no backup has an id that begins with ${printable(text)}`
      : `several backups have an id that begins with ${printable(text)}`,
  );
}

/* ── chunks (sections 4 to 6) ───────────────────────────────────────────────────────────────────────────────── */

/** Blocks of a pack's table: `{ storedBytes, plainBytes, encoding, bases, chunks: [{ id, lengthBytes }] }`. */
function* readTable(table) {
  let at = 0;
  const take = (count) => {
    need(at + count <= table.length, 'the table of a pack does not add up');
    at += count;
    return at - count;
  };
  for (let left = table.readUInt32LE(take(4)); left > 0; left -= 1) {
    const head = take(9);
    const [storedBytes, plainBytes, encoding] = [
      table.readUInt32LE(head),
      table.readUInt32LE(head + 4),
      table[head + 8],
    ];
    if (encoding > 2) throw failed('a block was written by a later version of Holdfast');
    const bases = [];
    if (encoding === 2) {
      const count = table[take(1)];
      need(count >= 1 && count <= 4, 'the table of a pack does not add up');
      for (let i = 0; i < count; i += 1) bases.push(table.subarray(take(32), at));
    }
    const chunks = [];
    let sum = 0;
    for (let count = table.readUInt16LE(take(2)); count > 0; count -= 1) {
      const row = take(36);
      const lengthBytes = table.readUInt32LE(row + 32);
      chunks.push({ id: table.subarray(row, row + 32), lengthBytes });
      sum += lengthBytes;
    }
    const isSound = chunks.length > 0 && sum === plainBytes && plainBytes <= 2 ** 22;
    need(isSound && (encoding !== 2 || chunks.length === 1), 'the table of a pack does not add up');
    yield { storedBytes, plainBytes, encoding, bases, chunks };
  }
  need(at === table.length, 'the table of a pack does not add up');
}

const packName = (hex) => `packs/${hex.slice(0, 2)}/${hex}`;

function openPack(repository, hex) {
  const name = packName(hex);
  const fd = repository.store.open(name);
  try {
    const head = Buffer.alloc(HEADER_BYTES);
    const count = fs.readSync(fd, head, 0, HEADER_BYTES, 0);
    return {
      fd,
      name,
      ...openHeader(head.subarray(0, count), 'pack', repository.id, repository.masterKeyOf),
    };
  } catch (error) {
    fs.closeSync(fd);
    throw error;
  }
}

function readAt(fd, at, length) {
  const bytes = Buffer.alloc(length);
  let done = 0;
  while (done < length) {
    const count = fs.readSync(fd, bytes, done, length - done, at + done);
    need(count > 0, 'a pack is cut short');
    done += count;
  }
  return bytes;
}

/** A pack's own table, from its end. */
function ownTable(repository, hex) {
  const size = repository.store.sizeOf(packName(hex));
  need(size !== null && size >= HEADER_BYTES + 8, 'a pack is cut short');
  const pack = openPack(repository, hex);
  try {
    const footer = readAt(pack.fd, size - 8, 8);
    const length = footer.readUInt32LE(0);
    need(
      footer.toString('latin1', 4) === 'HFPE' && length <= size - HEADER_BYTES - 8,
      'a pack does not end in a footer',
    );
    const table = gcmOpen(
      pack.key,
      counterNonce(1, 0),
      pack.header,
      readAt(pack.fd, size - 8 - length, length),
    );
    need(table !== null, 'the table of a pack is not authentic');
    return table;
  } finally {
    fs.closeSync(pack.fd);
  }
}

/** Where every chunk lies, possibly in several places: an open hash table over rows of flat memory. */
function chunkTable() {
  const ROW = 12;
  const blocks = [];
  let ids = Buffer.alloc(32 * 1024);
  let rows = new Uint32Array(3 * 1024);
  let count = 0;
  let slots = new Uint32Array(4096);
  const slotOf = (id) => {
    let slot = id.readUInt32LE(0) & (slots.length - 1);
    for (;;) {
      const row = slots[slot];
      if (row === 0 || ids.compare(id, 0, 32, (row - 1) * 32, row * 32) === 0) return slot;
      slot = (slot + 1) & (slots.length - 1);
    }
  };
  const grow = () => {
    if (32 * (count + 1) > ids.length) {
      ids = Buffer.concat([ids, Buffer.alloc(ids.length)]);
      const larger = new Uint32Array(2 * rows.length);
      larger.set(rows);
      rows = larger;
    }
    if (2 * (count + 1) < slots.length) return;
    slots = new Uint32Array(2 * slots.length);
    // Rows of one chunk form a chain; only its first row stands in the table, put there last.
    for (let row = count; row >= 1; row -= 1) slots[slotOf(ids.subarray((row - 1) * 32, row * 32))] = row;
  };
  return {
    blocks,
    ROW,
    add(id, block, position) {
      grow();
      const slot = slotOf(id);
      id.copy(ids, 32 * count);
      rows.set([block, position, 0], 3 * count);
      count += 1;
      if (slots[slot] === 0) slots[slot] = count;
      else {
        let row = slots[slot];
        while (rows[3 * row - 1] !== 0) row = rows[3 * row - 1];
        rows[3 * row - 1] = count;
      }
    },
    /** Places of a chunk: block number and position inside of the block. */
    *places(id) {
      for (let row = slots[slotOf(id)]; row !== 0; row = rows[3 * row - 1]) {
        yield [rows[3 * row - 3], rows[3 * row - 2]];
      }
    },
    /** Number of a chunk's first row, null for an unknown one. */
    numberOf: (id) => slots[slotOf(id)] || null,
    get count() {
      return count;
    },
  };
}

/** Reads the index and the tables of packs that no index lists. */
function loadChunks(repository, warn) {
  const { store } = repository;
  const table = chunkTable();
  const sizes = new Map(store.list('packs/').map((name) => [name.slice(name.lastIndexOf('/') + 1), name]));
  const listed = new Set();
  const missing = new Set();
  const addPack = (hex, bytes) => {
    const blocks = [...readTable(bytes)];
    let offset = HEADER_BYTES;
    blocks.forEach((block, i) => {
      const { storedBytes, plainBytes, encoding, bases } = block;
      table.blocks.push({
        pack: hex,
        i,
        offset,
        storedBytes,
        plainBytes,
        encoding,
        bases,
        lengths: block.chunks.map((c) => c.lengthBytes),
      });
      for (const [position, { id }] of block.chunks.entries())
        table.add(id, table.blocks.length - 1, position);
      offset += storedBytes;
    });
    listed.add(hex);
  };
  for (const name of store.list('index/')) {
    try {
      const bytes = store.get(name);
      need(
        sha256(bytes).toString('hex') === name.slice('index/'.length),
        'its name is not the SHA-256 of its bytes',
      );
      const { payload } = openSealed(bytes, 'index', repository.id, repository.masterKeyOf);
      for (let at = 0; at < payload.length; ) {
        need(at + 44 <= payload.length, 'an index does not add up');
        const hex = payload.toString('hex', at, at + 32);
        const end = at + 44 + payload.readUInt32LE(at + 40);
        need(end <= payload.length, 'an index does not add up');
        if (!sizes.has(hex)) missing.add(packName(hex));
        else if (!listed.has(hex)) addPack(hex, payload.subarray(at + 44, end));
        at = end;
      }
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      warn(`${name}: ${error.message}; the packs' own tables are used`);
    }
  }
  for (const name of missing) warn(`${name} is missing: an index lists it`);
  for (const [hex, name] of sizes) {
    if (listed.has(hex) || !/^[0-9a-f]{64}$/.test(hex) || packName(hex) !== name) continue;
    try {
      addPack(hex, ownTable(repository, hex));
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      warn(`${name}: ${error.message}`);
    }
  }
  return table;
}

const CACHE_BYTES = 64 * 2 ** 20;
const MAX_OPEN_PACKS = 32;

function* refs(list) {
  need(list.length % 36 === 0, 'a list of references ends inside one');
  for (let at = 0; at < list.length; at += 36) {
    yield { id: list.subarray(at, at + 32), lengthBytes: list.readUInt32LE(at + 32) & 0x7fffff };
  }
}

/** Gives chunks, each checked against its id. */
function chunkReader(repository, table) {
  const packs = new Map();
  const cache = new Map();
  let cachedBytes = 0;

  const packOf = (hex) => {
    const known = packs.get(hex);
    if (known) return known;
    if (packs.size >= MAX_OPEN_PACKS) {
      const [oldest, { fd }] = packs.entries().next().value;
      fs.closeSync(fd);
      packs.delete(oldest);
    }
    const pack = openPack(repository, hex);
    packs.set(hex, pack);
    return pack;
  };

  const decode = (number) => {
    const cached = cache.get(number);
    if (cached) {
      cache.delete(number);
      cache.set(number, cached);
      return cached;
    }
    const block = table.blocks[number];
    const pack = packOf(block.pack);
    const record = gcmOpen(
      pack.key,
      counterNonce(0, block.i),
      pack.header,
      readAt(pack.fd, block.offset, block.storedBytes),
    );
    need(record !== null && record[0] === block.encoding, `block ${block.i} is not authentic`);
    const body = record.subarray(1);
    let plain = body;
    if (block.encoding === 1) plain = zstd.plain(body, block.plainBytes);
    if (block.encoding === 2) {
      const joined = Buffer.concat(block.bases.map((id) => chunk(id, false)));
      const isSound =
        joined.length >= 64 && joined.length <= 2 ** 20 && joined.readUInt32LE(0) !== 0xec30a437;
      need(isSound, 'the bases of a difference cannot be its dictionary');
      plain = zstd.withDictionary(body, block.plainBytes, joined);
    }
    need(plain.length === block.plainBytes, `block ${block.i} has another length than its table says`);
    cache.set(number, plain);
    cachedBytes += plain.length;
    for (const [oldest, bytes] of cache) {
      if (cachedBytes <= CACHE_BYTES || oldest === number) break;
      cache.delete(oldest);
      cachedBytes -= bytes.length;
    }
    return plain;
  };

  /** The first good copy of a chunk. Bases of differences are no differences. */
  const chunk = (id, mayBeDifference = true) => {
    let failure = null;
    for (const [number, position] of table.places(id)) {
      const block = table.blocks[number];
      if (block.encoding === 2 && !mayBeDifference) continue;
      try {
        const plain = decode(number);
        let start = 0;
        for (let i = 0; i < position; i += 1) start += block.lengths[i];
        const bytes = plain.subarray(start, start + block.lengths[position]);
        const actual = createHmac('sha256', repository.chunkIdKey).update(bytes).digest();
        need(timingSafeEqual(actual, id), `chunk ${id.toString('hex')} is not what its id says`);
        return bytes;
      } catch (error) {
        if (!(error instanceof Failure) && error.code !== 'ENOENT') throw error;
        failure ??= damaged(`${packName(block.pack)}: ${error.message}`);
      }
    }
    throw failure ?? damaged(`chunk ${id.toString('hex')} is in no pack`);
  };

  function* level(content, depth, onChunk) {
    if (depth === content.depth) {
      yield* refs(content.refs);
      return;
    }
    let rest = NOTHING;
    for (const ref of level(content, depth + 1, onChunk)) {
      onChunk?.(ref);
      const bytes = chunk(ref.id);
      need(bytes.length === ref.lengthBytes, 'a chunk has another length than its reference');
      const joined = Buffer.concat([rest, bytes]);
      const whole = joined.length - (joined.length % 36);
      yield* refs(joined.subarray(0, whole));
      rest = joined.subarray(whole);
    }
    need(rest.length === 0, 'a list of references ends inside one');
  }

  return {
    chunk,
    /** References to the data of a content; `onChunk` meets those to lists. */
    refsOf: (content, onChunk) => level(content, 0, onChunk),
    *read(content) {
      let total = 0;
      for (const { id, lengthBytes } of level(content, 0)) {
        const bytes = chunk(id);
        total += lengthBytes;
        need(bytes.length === lengthBytes && total <= content.sizeBytes, 'a content does not add up');
        yield bytes;
      }
      need(total === content.sizeBytes, 'a content does not add up');
    },
    close() {
      for (const { fd } of packs.values()) fs.closeSync(fd);
      packs.clear();
    },
  };
}

/* ── file trees (section 9) ─────────────────────────────────────────────────────────────────────────────────── */

const ENTRY_TYPES = ['file', 'folder', 'symlink', 'fifo', 'socket', 'block', 'character'];

/** Throws for a path that could lead out of its folder or name two things. */
function checkPath(path, what = 'a path') {
  for (const name of path.toString('latin1').split('/')) {
    need(
      name !== '' && name !== '.' && name !== '..' && !name.includes('\0'),
      () => `${what} is not safe: ${printable(path)}`,
    );
    need(name.length <= 255, `${what} has a name that is too long`);
  }
}

/** As bytes compare, with the slash below every other byte. */
function compareTreePaths(a, b) {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i += 1) {
    if (a[i] === b[i]) continue;
    if (a[i] === 0x2f) return -1;
    return b[i] === 0x2f ? 1 : a[i] - b[i];
  }
  return a.length - b.length;
}

function readEntry(bytes) {
  let at = 0;
  const take = (count) => {
    need(at + count <= bytes.length, 'a tree record is cut short');
    at += count;
    return bytes.subarray(at - count, at);
  };
  const varint = (max) => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const [byte] = take(1);
      value += (byte & 127) * scale;
      need(value <= max && scale < 2 ** 56, 'a number in a tree record is too large');
      if (byte < 128) {
        need(byte !== 0 || scale === 1, 'a number in a tree record is not in its shortest form');
        return value;
      }
    }
  };
  const text = (max) => take(varint(max));
  const type = ENTRY_TYPES[take(1)[0]];
  const [flags] = take(1);
  need(type !== undefined && flags <= 15, 'a tree record is of an unknown type');
  const mode = take(2).readUInt16LE(0);
  need(mode <= 0o7777, 'a tree record has an unknown mode');
  const [uid, gid] = [varint(2 ** 32 - 1), varint(2 ** 32 - 1)];
  const [user, group] = [text(1024).toString(), text(1024).toString()];
  const times = take(24);
  const sizeBytes = varint(Number.MAX_SAFE_INTEGER);
  const deviceNumber = take(8).readBigUInt64LE(0);
  const path = text(2 ** 20);
  if (path.length > 0) checkPath(path);
  const linkTarget = flags & 1 ? text(65_535) : null;
  const hardLinkTo = flags & 2 ? text(2 ** 20) : null;
  let extents = null;
  if (flags & 4) {
    extents = [];
    let end = -1;
    for (let left = varint(65_536); left > 0; left -= 1) {
      const offset = varint(sizeBytes);
      const length = varint(sizeBytes - offset);
      need(offset > end && length > 0, 'the extents of a tree record do not ascend');
      end = offset + length;
      extents.push([offset, length]);
    }
  }
  let content = null;
  if (flags & 8) {
    const [depth] = take(1);
    need(depth <= 4, 'a content is nested too deep');
    content = { depth, sizeBytes: varint(Number.MAX_SAFE_INTEGER), refs: take(36 * varint(4096)) };
  }
  need(at === bytes.length, 'a tree record has another length than it says');
  need((type === 'symlink') === (linkTarget !== null), 'a tree record has a misplaced link target');
  need(linkTarget === null || (linkTarget.length > 0 && !linkTarget.includes(0)), 'a link target is no path');
  if (hardLinkTo !== null) {
    checkPath(hardLinkTo, 'a hard link');
    const isSound = !content && !extents && type !== 'folder' && compareTreePaths(hardLinkTo, path) < 0;
    need(isSound, 'a hard link is malformed');
  } else if (type === 'file') {
    const stored = extents ? extents.reduce((sum, [, length]) => sum + length, 0) : sizeBytes;
    need(stored === (content?.sizeBytes ?? 0), 'a file has content of another size');
  } else need(!content && !extents && sizeBytes === 0, 'a tree record has misplaced content');
  const modifiedAtNs = times.readBigInt64LE(0);
  return {
    path,
    type,
    mode,
    uid,
    gid,
    user,
    group,
    modifiedAtNs,
    sizeBytes,
    deviceNumber,
    linkTarget,
    hardLinkTo,
    extents,
    content,
  };
}

/** Entries of a tree, in order. `hash` sees the bytes of the stream. */
function* readTree(pieces, hash) {
  let rest = NOTHING;
  let before = null;
  for (const piece of pieces) {
    hash?.update(piece);
    rest = Buffer.concat([rest, piece]);
    for (let at = 0; ; ) {
      let length = 0;
      let digits = 0;
      for (; digits < 4; digits += 1) {
        const byte = rest[at + digits];
        if (byte === undefined) break;
        length += (byte & 127) * 128 ** digits;
        if (byte < 128) break;
      }
      need(digits < 4 && length <= 2 ** 22, 'a tree record is too long');
      const body = at + digits + 1;
      if (rest[at + digits] === undefined || body + length > rest.length) {
        rest = Buffer.from(rest.subarray(at));
        break;
      }
      const entry = readEntry(Buffer.from(rest.subarray(body, body + length)));
      at = body + length;
      need(before === null || compareTreePaths(before, entry.path) < 0, 'a tree is out of order');
      before = entry.path;
      yield entry;
    }
  }
  need(rest.length === 0, 'a tree ends within a record');
}

/* ── writing below one new folder ───────────────────────────────────────────────────────────────────────────── */

const CREATE =
  fs.constants.O_WRONLY | fs.constants.O_CREAT | fs.constants.O_EXCL | (fs.constants.O_NOFOLLOW ?? 0);
const LONG_PATH = 3500;

function ownerNumbers(file) {
  const numbers = new Map();
  try {
    for (const line of fs.readFileSync(file, 'utf8').split('\n')) {
      const [name, , number] = line.split(':');
      if (/^\d+$/.test(number ?? '') && !numbers.has(name)) numbers.set(name, Number(number));
    }
  } catch {
    // Numbers are kept then.
  }
  return numbers;
}

/** As text, since Node takes a negative number for "now"; a double holds today's times to within 120 ns. */
const secondsOf = (ns) => String(Number(ns / 1_000_000_000n) + Number(ns % 1_000_000_000n) / 1e9);

/** No artifact may lie where another does. */
function checkNames(artifacts) {
  const taken = new Set(['manifest.json', 'manifest.sig']);
  for (const { name, form } of artifacts) {
    for (const place of form === 'tree' ? [name, `${name}.tree`] : [name]) {
      checkPath(Buffer.from(place), 'the name of an artifact');
      need(!taken.has(place), () => `two artifacts are called ${printable(place)}`);
      taken.add(place);
    }
  }
  for (const place of taken) {
    for (let i = place.indexOf('/'); i > 0; i = place.indexOf('/', i + 1)) {
      need(!taken.has(place.slice(0, i)), () => `an artifact lies inside of another: ${printable(place)}`);
    }
  }
}

const isBelow = (path, folder) =>
  path.length > folder.length &&
  path[folder.length] === 0x2f &&
  path.subarray(0, folder.length).equals(folder);
const parentOf = (path) => path.subarray(0, Math.max(0, path.lastIndexOf(0x2f)));

/** `a`, `a/b`, … of `a/b/…`, itself included. */
function* prefixes(path) {
  for (let i = path.indexOf(0x2f); i > 0; i = path.indexOf(0x2f, i + 1)) yield path.subarray(0, i);
  if (path.length > 0) yield path;
}

/** What the system says, in terms of the backup. */
function translated(path, work) {
  try {
    return work();
  } catch (error) {
    if (error instanceof Failure || !error.code) throw error;
    if (error.code === 'EEXIST') throw damaged(`${printable(path)} is there twice`);
    throw failed(`${printable(path)} cannot be written: ${error.code}`);
  }
}

/** Runs `work` with a path that the system takes, also where the whole would be too long for it. */
function atPlace(root, path, work) {
  const whole = Buffer.concat([Buffer.from(`${root}/`), path]);
  if (whole.length < LONG_PATH) return work(whole);
  let fd = null;
  let rest = whole;
  try {
    while (rest.length >= LONG_PATH) {
      const cut = rest.lastIndexOf(0x2f, LONG_PATH);
      const base = fd === null ? NOTHING : Buffer.from(`/proc/self/fd/${fd}/`);
      const place = Buffer.concat([base, rest.subarray(0, cut)]);
      const next = fs.openSync(place, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
      if (fd !== null) fs.closeSync(fd);
      fd = next;
      rest = rest.subarray(cut + 1);
    }
    return work(Buffer.concat([Buffer.from(`/proc/self/fd/${fd}/`), rest]));
  } finally {
    if (fd !== null) fs.closeSync(fd);
  }
}

const lookAt = (place) => fs.lstatSync(place, { throwIfNoEntry: false });

/** Makes folders 0700 where they are missing, and throws where something else is in their place. */
function folderMaker(root) {
  let known = NOTHING;
  return (path) => {
    if (path.length === 0 || known.equals(path) || isBelow(known, path)) return;
    for (const parent of prefixes(path)) {
      if (known.equals(parent) || isBelow(known, parent)) continue;
      atPlace(root, parent, (place) => {
        try {
          fs.mkdirSync(place, { mode: 0o700 });
        } catch (error) {
          if (error.code !== 'EEXIST') throw failed(`${printable(parent)} cannot be made: ${error.code}`);
          need(
            lookAt(place).isDirectory(),
            () => `${printable(parent)} is a folder and something else as well`,
          );
        }
      });
    }
    known = Buffer.from(path);
  };
}

/** Owner, mode and times; without `owners`, who restores owns everything, and setuid and setgid are dropped. */
function attributes(owners) {
  const users = owners ? ownerNumbers('/etc/passwd') : null;
  const groups = owners ? ownerNumbers('/etc/group') : null;
  const ownersOf = ({ uid, gid, user, group }) => [users.get(user) ?? uid, groups.get(group) ?? gid];
  const modeOf = ({ mode }) => (owners ? mode : mode & 0o777);
  return {
    toFile(fd, entry) {
      if (owners) fs.fchownSync(fd, ...ownersOf(entry));
      fs.fchmodSync(fd, modeOf(entry));
      const seconds = secondsOf(entry.modifiedAtNs);
      fs.futimesSync(fd, seconds, seconds);
    },
    toName(place, entry) {
      if (owners) fs.lchownSync(place, ...ownersOf(entry));
      if (entry.type !== 'symlink') fs.chmodSync(place, modeOf(entry));
      const seconds = secondsOf(entry.modifiedAtNs);
      fs.lutimesSync(place, seconds, seconds);
    },
  };
}

/** A file in the making: exactly one of `end` and `abandon` closes it. */
function newFile(root, entry, apply) {
  const fd = translated(entry.path, () =>
    atPlace(root, entry.path, (place) => fs.openSync(place, CREATE, 0o600)),
  );
  const extents = entry.extents ?? (entry.sizeBytes > 0 ? [[0, entry.sizeBytes]] : []);
  let index = 0;
  let done = 0;
  return {
    write(bytes) {
      for (let from = 0; from < bytes.length; ) {
        need(index < extents.length, () => `${printable(entry.path)} has more bytes than it says`);
        const [offset, length] = extents[index];
        const take = Math.min(length - done, bytes.length - from);
        translated(entry.path, () => {
          for (let n = 0; n < take; ) n += fs.writeSync(fd, bytes, from + n, take - n, offset + done + n);
        });
        from += take;
        done += take;
        if (done < length) continue;
        index += 1;
        done = 0;
      }
    },
    end() {
      need(index === extents.length, () => `${printable(entry.path)} has fewer bytes than it says`);
      translated(entry.path, () => {
        fs.ftruncateSync(fd, entry.sizeBytes);
        apply.toFile(fd, entry);
        if (entry.isStream) fs.fsyncSync(fd);
      });
      fs.closeSync(fd);
    },
    abandon() {
      fs.closeSync(fd);
      atPlace(root, entry.path, (place) => fs.unlinkSync(place));
    },
  };
}

/** False where the system has no mkfifo. The program takes text, so names of other bytes get theirs afterwards. */
function makeFifo(place) {
  const plain = Buffer.concat([parentOf(place), Buffer.from(`/.fifo-${randomBytes(6).toString('hex')}`)]);
  const isText = Buffer.from(plain.toString()).equals(plain);
  try {
    if (isText) execFileSync('mkfifo', ['-m', '600', '--', plain.toString()], { stdio: 'pipe' });
  } catch {
    return false;
  }
  if (!isText) return false;
  need(!lookAt(place), () => `${printable(place)} is there twice`);
  fs.renameSync(plain, place);
  return true;
}

/** Late links: to symlinks, and to what did not come before. Never through a symlink, which are there by then. */
function makeLateLink(root, entry) {
  const target = entry.hardLinkTo;
  for (const parent of prefixes(parentOf(target))) {
    const isFolder = atPlace(root, parent, (place) => lookAt(place)?.isDirectory());
    need(isFolder, () => `${printable(entry.path)} links through something that is no folder`);
  }
  const found = atPlace(root, target, lookAt);
  if (!found) return false;
  need(!found.isDirectory(), () => `${printable(entry.path)} is a hard link to a folder`);
  makeLink(root, entry);
  return true;
}

function makeLink(root, { path, hardLinkTo }) {
  translated(path, () =>
    atPlace(root, hardLinkTo, (from) => atPlace(root, path, (to) => fs.linkSync(from, to))),
  );
}

/** A new private folder beside the target, which must be missing or empty. */
function newRoot(final) {
  const there = lookAt(final);
  if (there && !(there.isDirectory() && fs.readdirSync(final).length === 0)) {
    throw usage(`${final} is there already: name a new or empty folder`);
  }
  try {
    const root = fs.mkdtempSync(join(dirname(final), `.${basename(final)}.holdfast-`));
    fs.chmodSync(root, 0o700);
    return root;
  } catch (error) {
    throw failed(`${final} cannot be made: ${error.code}`);
  }
}

/**
 * A folder that appears whole under its name, or not at all. What keeps hostile entries inside: the folder is new and
 * ours alone, every parent is made or seen to be a real folder, files are created exclusively, and there is no
 * symlink below it until everything else is written.
 */
function newFolder(target, { owners }) {
  const final = resolve(target);
  const root = newRoot(final);
  const makeFolder = folderMaker(root);
  const apply = attributes(owners);
  const [folders, symlinks, links, skipped] = [[], [], [], []];
  const onEach = (entries, work) => {
    for (const entry of entries)
      translated(entry.path, () => atPlace(root, entry.path, (place) => work(place, entry)));
  };
  return {
    skipped,
    folder(entry) {
      makeFolder(entry.path);
      folders.push(entry);
    },
    file(entry) {
      makeFolder(parentOf(entry.path));
      return newFile(root, entry, apply);
    },
    symlink(entry) {
      makeFolder(parentOf(entry.path));
      symlinks.push(entry);
    },
    hardLink(entry) {
      makeFolder(parentOf(entry.path));
      if (atPlace(root, entry.hardLinkTo, lookAt)?.isFile()) makeLink(root, entry);
      else links.push(entry);
    },
    special(entry, mayMake) {
      makeFolder(parentOf(entry.path));
      const isMade = mayMake && entry.type === 'fifo' && atPlace(root, entry.path, makeFifo);
      if (isMade) onEach([entry], apply.toName);
      else skipped.push(`${printable(entry.path)} (${entry.type})`);
    },
    /** Makes the links, sets the attributes of folders, and gives the whole its name. */
    finish() {
      onEach(symlinks, (place, entry) => {
        fs.symlinkSync(entry.linkTarget, place);
        apply.toName(place, entry);
      });
      for (const entry of links) {
        if (!makeLateLink(root, entry))
          skipped.push(`${printable(entry.path)} (hard link to what was left out)`);
      }
      // Backwards: what lies in a folder is done before its mode may lock it away.
      onEach(folders.reverse(), apply.toName);
      translated(Buffer.from(final), () => fs.renameSync(root, final));
    },
    abandon() {
      fs.rmSync(root, { recursive: true, force: true });
    },
  };
}

const ROOT_ENTRY = { mode: 0o600, uid: 0, gid: 0, user: '', group: '', extents: null };

/* ── bundles (section 10) ───────────────────────────────────────────────────────────────────────────────────── */

const LIMITS = {
  entries: 5_000_000,
  ratio: 1000,
  ratioFloorBytes: 2 ** 28,
  pathBytes: 4095,
  components: 512,
  manifestBytes: 2 ** 24,
};

/** Reads bytes of any pieces, sync or async, in the sizes that are wanted. */
function byteReader(pieces) {
  const iterator = (pieces[Symbol.asyncIterator] ?? pieces[Symbol.iterator]).call(pieces);
  let held = NOTHING;
  const more = async () => {
    const next = await iterator.next();
    if (!next.done) held = held.length === 0 ? next.value : Buffer.concat([held, next.value]);
    return !next.done;
  };
  return {
    async exactly(count) {
      const parts = [];
      let missing = count;
      while (missing > held.length) {
        parts.push(held);
        missing -= held.length;
        held = NOTHING;
        need(await more(), 'the bundle is cut short');
      }
      parts.push(held.subarray(0, missing));
      held = held.subarray(missing);
      return parts.length === 1 ? parts[0] : Buffer.concat(parts);
    },
    async some(max) {
      while (held.length === 0) need(await more(), 'the bundle is cut short');
      const part = held.subarray(0, max);
      held = held.subarray(part.length);
      return part;
    },
    async atEnd() {
      while (held.length === 0) if (!(await more())) return true;
      return false;
    },
    close: () => iterator.return?.(),
  };
}

function* fileBytes(file) {
  let fd;
  try {
    fd = fs.openSync(file, 'r');
  } catch (error) {
    throw failed(`${file} cannot be read: ${error.code}`);
  }
  try {
    for (;;) {
      const buffer = Buffer.allocUnsafe(2 ** 20);
      const count = fs.readSync(fd, buffer, 0, buffer.length, null);
      if (count === 0) return;
      yield buffer.subarray(0, count);
    }
  } finally {
    fs.closeSync(fd);
  }
}

async function readBundleHeader(reader) {
  const preamble = await reader.exactly(12);
  need(preamble.toString('latin1', 0, 7) === 'HFBUNDL', 'this is not a bundle');
  if (preamble[7] > 0x31 && preamble[7] <= 0x39)
    throw failed('the bundle was written by a later version of Holdfast');
  const length = preamble.readUInt32LE(8);
  need(preamble[7] === 0x31 && length <= 65_536, 'this is not a bundle');
  const json = await reader.exactly(length);
  const header = parseJson(json, 'the header of the bundle');
  if (Number.isInteger(header.version) && header.version > 1)
    throw failed('the bundle was written by a later version of Holdfast');
  const isNone = header.encryption === 'none';
  const isSound =
    header.version === 1 &&
    (isNone || header.encryption === 'aes-256-gcm-hkdf-1mb') &&
    Array.isArray(header.keys);
  need(
    isSound && header.keys.length <= 8 && header.keys.length > 0 !== isNone,
    'the header of the bundle is malformed',
  );
  need(
    header.compression === 'zstd' || header.compression === 'gzip',
    'the bundle has an unknown compression',
  );
  for (const slot of header.keys) checkWrapped(slot, 2 ** 20);
  if (!isNone) fromB64(header.commitment, 32, 'a commitment');
  return { header, head: Buffer.concat([preamble, json]) };
}

function bundleKey(header, credentials) {
  if (credentials.length === 0)
    throw new Failure('key', 'no key was given: set BACKUP_ENCRYPTION_KEY or --key-file');
  const aad = Buffer.concat([Buffer.from('holdfast v1 bundle'), sha256(header.backupId)]);
  for (const credential of credentials) {
    for (const slot of header.keys) {
      const key = unwrapKey(slot, credential, aad);
      if (key === null) continue;
      const commitment = hkdf(key, NOTHING, 'holdfast v1 bundle commitment', 32);
      if (timingSafeEqual(commitment, Buffer.from(header.commitment, 'base64url'))) return key;
    }
  }
  throw new Failure(
    'key',
    `${WRONG_KEY} bundle; it needs key ${header.keys.map(({ keyId }) => printable(keyId)).join(' or ')}`,
  );
}

async function* pieces(reader) {
  while (!(await reader.atEnd())) yield await reader.some(2 ** 20);
}

/** Tink's streaming AEAD, AES256_GCM_HKDF_1MB. */
async function* decrypted(key, head, reader) {
  const start = await reader.exactly(40);
  need(start[0] === 40, 'the bundle has no stream header');
  const streamKey = hkdf(key, start.subarray(1, 33), head, 32);
  const rest = byteReader(pieces(reader));
  let size = 2 ** 20 - 40;
  let held = NOTHING;
  for (let index = 0, last = false; !last; index += 1, size = 2 ** 20) {
    while (held.length <= size && !(await rest.atEnd()))
      held = Buffer.concat([held, await rest.some(size + 1 - held.length)]);
    last = held.length <= size;
    const nonce = Buffer.concat([start.subarray(33), Buffer.alloc(5)]);
    nonce.writeUInt32BE(index, 7);
    nonce[11] = last ? 1 : 0;
    const plain = gcmOpen(streamKey, nonce, NOTHING, held.subarray(0, size));
    need(plain !== null, `the bundle is not authentic at segment ${index}`);
    held = held.subarray(size);
    if (plain.length > 0) yield plain;
  }
}

/** The bytes but for the last 32, which must be the SHA-256 of everything before them. */
async function* checksummed(head, reader) {
  const hash = createHash('sha256').update(head);
  let held = NOTHING;
  for await (const piece of pieces(reader)) {
    const both = Buffer.concat([held, piece]);
    const body = both.subarray(0, Math.max(0, both.length - 32));
    held = both.subarray(body.length);
    hash.update(body);
    if (body.length > 0) yield body;
  }
  need(hash.digest().equals(held), 'the bundle does not fit its checksum');
}

async function* decompressed(packed, compression) {
  const counts = { taken: 0, given: 0, ended: false };
  const counted = async function* () {
    for await (const part of packed) {
      counts.taken += part.length;
      yield part;
    }
    counts.ended = true;
  };
  for await (const part of compression === 'zstd' && !zstd.hasStream
    ? inflatedHere(counted())
    : inflated(counted(), compression)) {
    counts.given += part.length;
    const isBomb = counts.given > LIMITS.ratioFloorBytes && counts.given > LIMITS.ratio * counts.taken;
    need(!isBomb, 'the bundle decompresses to far more than any backup would');
    yield part;
  }
  need(counts.ended, 'the bundle has bytes behind its end');
}

async function* inflatedHere(packed) {
  const reader = byteReader(packed);
  const frames = zstdFrames(2 ** 23, NOTHING);
  for (let step = frames.next(); !step.done; ) {
    if (typeof step.value !== 'number') {
      yield step.value;
      step = frames.next();
    } else if (step.value < 0 && (await reader.atEnd())) step = frames.next(null);
    else step = frames.next(await reader.exactly(Math.abs(step.value)));
  }
}

async function* inflated(packed, compression) {
  const { pipeline } = await import('node:stream/promises');
  const transform =
    compression === 'zstd'
      ? zlib.createZstdDecompress({ params: { [zlib.constants.ZSTD_d_windowLogMax]: 23 } })
      : zlib.createGunzip();
  const done = pipeline(packed, transform).then(
    () => null,
    (error) => error,
  );
  try {
    yield* transform;
    const error = await done;
    if (error !== null) throw error;
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw damaged('the bundle does not decompress');
  } finally {
    transform.destroy();
    await done;
  }
}

const TAR_TYPES = {
  0: 'file',
  1: 'hardlink',
  2: 'symlink',
  3: 'character',
  4: 'block',
  5: 'folder',
  6: 'fifo',
};
const padding = (size) => (512 - (size % 512)) % 512;

function readTarBlock(block) {
  if (block.every((byte) => byte === 0)) return null;
  need(block.toString('latin1', 257, 265) === 'ustar\x0000', 'something in the bundle is no tar header');
  const octal = (at, width) => {
    const text = block
      .toString('latin1', at, at + width)
      .replace(/[ \0]+$/, '')
      .trimStart();
    need(/^[0-7]*$/.test(text), 'a tar header holds what is no number');
    return text === '' ? 0 : Number.parseInt(text, 8);
  };
  const field = (at, width) => {
    const bytes = block.subarray(at, at + width);
    const end = bytes.indexOf(0);
    return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end));
  };
  let sum = 8 * 0x20;
  for (const [i, byte] of block.entries()) if (i < 148 || i >= 156) sum += byte;
  need(octal(148, 8) === sum, 'a tar header has a wrong checksum');
  const prefix = field(345, 155);
  const name = field(0, 100);
  return {
    name: prefix.length > 0 ? Buffer.concat([prefix, latin1('/'), name]) : name,
    mode: octal(100, 8) & 0o7777,
    uid: octal(108, 8),
    gid: octal(116, 8),
    size: octal(124, 12),
    seconds: octal(136, 12),
    type: String.fromCharCode(block[156]),
    linkName: field(157, 100),
    user: field(265, 32),
    group: field(297, 32),
  };
}

function readPax(bytes) {
  const records = new Map();
  for (let at = 0; at < bytes.length; ) {
    const blank = bytes.indexOf(0x20, at);
    const digits = blank < 0 ? '' : bytes.toString('latin1', at, blank);
    const end = at + (/^[1-9]\d{0,9}$/.test(digits) ? Number(digits) : Number.NaN);
    need(
      end > blank + 1 && end <= bytes.length && bytes[end - 1] === 0x0a,
      'an extended tar header does not parse',
    );
    const equals = bytes.indexOf(0x3d, blank);
    need(equals > 0 && equals < end, 'an extended tar header does not parse');
    records.set(
      bytes.toString('latin1', blank + 1, equals),
      Buffer.from(bytes.subarray(equals + 1, end - 1)),
    );
    at = end;
  }
  return records;
}

function paxTime(text) {
  const match = /^(-?)(\d{1,12})(?:\.(\d{1,9}))?$/.exec(text);
  need(match !== null, 'a tar entry has a malformed time');
  const ns = BigInt(match[2]) * 1_000_000_000n + BigInt((match[3] ?? '').padEnd(9, '0'));
  return match[1] === '-' ? -ns : ns;
}

/** The next entry of a tar without its content; `raw` collects the bytes read. Null at the end mark. */
async function readTarEntry(reader, raw) {
  const next = async (count) => {
    const bytes = Buffer.from(await reader.exactly(count));
    raw.push(bytes);
    return bytes;
  };
  let block = readTarBlock(await next(512));
  if (block === null) return null;
  let records = new Map();
  if (block.type === 'x') {
    need(block.size <= 2 ** 20, 'an extended tar header is too long');
    records = readPax((await next(block.size + padding(block.size))).subarray(0, block.size));
    block = readTarBlock(await next(512));
    need(block !== null, 'the tar ends after an extended header');
  }
  const text = (key) => records.get(key)?.toString('latin1');
  const number = (key, other) => {
    if (!records.has(key)) return other;
    need(/^\d{1,15}$/.test(text(key)), `a tar entry has a malformed ${key}`);
    return Number(text(key));
  };
  const comment = text('comment')?.startsWith('holdfast ') ? text('comment') : '';
  let type = TAR_TYPES[block.type];
  need(type !== undefined, 'a tar entry is of an unknown type');
  if (type === 'file' && / type=socket( |$)/.test(comment)) type = 'socket';
  const isSparse = records.has('GNU.sparse.major');
  need(
    !isSparse || (type === 'file' && text('GNU.sparse.major') === '1'),
    'a sparse file is of an unknown form',
  );
  let storedBytes = number('size', block.size);
  need(type === 'file' || storedBytes === 0, `a tar entry that is a ${type} has content`);
  let path = (isSparse ? records.get('GNU.sparse.name') : records.get('path')) ?? block.name;
  if (type === 'folder' && path.at(-1) === 0x2f) path = path.subarray(0, -1);
  checkPath(path);
  const isShort =
    path.length <= LIMITS.pathBytes && path.toString('latin1').split('/').length <= LIMITS.components;
  need(isShort, 'a path in the bundle is too long');
  const sizeBytes = isSparse ? number('GNU.sparse.realsize', null) : storedBytes;
  need(sizeBytes !== null, 'a sparse file has no size');
  let extents = null;
  if (isSparse) {
    extents = [];
    const numbers = [];
    let [tail, wanted, mapBytes] = ['', 1, 0];
    while (numbers.length < wanted) {
      need(mapBytes < 2 ** 23, 'the map of a sparse file is too long');
      const lines = (tail + (await next(512)).toString('latin1')).split('\n');
      mapBytes += 512;
      tail = lines.pop();
      for (const line of lines) {
        if (numbers.length === wanted) break;
        need(/^\d{1,15}$/.test(line), 'the map of a sparse file does not parse');
        numbers.push(Number(line));
        if (numbers.length === 1) wanted = 1 + 2 * numbers[0];
      }
    }
    let end = 0;
    for (let i = 1; i < wanted; i += 2) {
      const [offset, length] = [numbers[i], numbers[i + 1]];
      need(offset >= end && offset + length <= sizeBytes, 'the map of a sparse file does not add up');
      end = offset + length;
      if (length > 0) extents.push([offset, length]);
    }
    storedBytes -= mapBytes;
    need(
      storedBytes === extents.reduce((sum, [, length]) => sum + length, 0),
      'the map of a sparse file does not fit',
    );
  }
  const link = type === 'symlink' || type === 'hardlink' ? (records.get('linkpath') ?? block.linkName) : null;
  if (type === 'hardlink') checkPath(link, 'a hard link');
  need(
    link === null || (link.length > 0 && link.length <= LIMITS.pathBytes && !link.includes(0)),
    'a link target is no path',
  );
  const modifiedAtNs = records.has('mtime') ? paxTime(text('mtime')) : BigInt(block.seconds) * 1_000_000_000n;
  return {
    path,
    type,
    mode: block.mode,
    uid: number('uid', block.uid),
    gid: number('gid', block.gid),
    user: (records.get('uname') ?? block.user).toString(),
    group: (records.get('gname') ?? block.group).toString(),
    modifiedAtNs,
    sizeBytes,
    extents,
    linkTarget: type === 'symlink' ? link : null,
    hardLinkTo: type === 'hardlink' ? link : null,
    storedBytes,
  };
}

/** Opens a bundle up to its manifest: `{ header, manifest, json, reader, hash }`. The caller closes `reader`. */
async function openBundle(file, credentials) {
  const source = byteReader(fileBytes(file));
  try {
    const { header, head } = await readBundleHeader(source);
    const packed =
      header.encryption === 'none'
        ? checksummed(head, source)
        : decrypted(bundleKey(header, credentials), head, source);
    const tar = byteReader(decompressed(packed, header.compression));
    const reader = {
      ...tar,
      async close() {
        await tar.close();
        await source.close();
      },
    };
    try {
      const raw = [];
      const entry = await readTarEntry(reader, raw);
      const isManifest =
        entry?.type === 'file' && entry.path.toString() === 'manifest.json' && entry.extents === null;
      need(
        isManifest && entry.sizeBytes <= LIMITS.manifestBytes,
        'the bundle does not begin with its manifest',
      );
      const stored = await reader.exactly(entry.sizeBytes + padding(entry.sizeBytes));
      const json = Buffer.from(stored.subarray(0, entry.sizeBytes));
      const hash = createHash('sha256');
      for (const bytes of [...raw, stored]) hash.update(bytes);
      const manifest = checkManifest(parseJson(json, 'the manifest'), true);
      checkNames(manifest.artifacts);
      need(manifest.id === header.backupId, 'the bundle has a manifest of another backup');
      return { header, manifest, json, reader, hash };
    } catch (error) {
      await reader.close();
      throw error;
    }
  } catch (error) {
    await source.close();
    throw error;
  }
}

/** The artifact an entry belongs to, and as what. */
function placeOf(manifest, path) {
  for (const artifact of manifest.artifacts) {
    const name = Buffer.from(artifact.name);
    if (artifact.form === 'stream') {
      if (path.equals(name)) return { artifact, role: 'stream' };
    } else if (path.equals(Buffer.from(`${artifact.name}.tree`))) return { artifact, role: 'records' };
    else if (
      path.equals(name) ||
      (path[name.length] === 0x2f && path.subarray(0, name.length).equals(name))
    ) {
      return { artifact, role: 'entry' };
    }
  }
  throw damaged(`the bundle holds ${printable(path)}, which its manifest does not name`);
}

/** Reads a bundle to its end; `out` is where it goes, null to check only. Resolves with what was known of its signature. */
async function readBundle(bundle, out, options) {
  const { manifest, reader, hash } = bundle;
  const done = new Set();
  let signature = null;
  for (let entries = 0; ; entries += 1) {
    need(entries <= LIMITS.entries, 'the bundle has more entries than any backup would');
    const raw = [];
    const entry = await readTarEntry(reader, raw);
    if (entry === null) break;
    need(signature === null, 'the bundle has entries behind its signature');
    if (entry.path.toString() === 'manifest.sig') {
      need(
        entry.type === 'file' && entry.sizeBytes === 96 && entry.extents === null,
        'the signature of the bundle is malformed',
      );
      signature = Buffer.from(await reader.exactly(96));
      need(
        (await reader.exactly(padding(96))).every((byte) => byte === 0),
        'the bundle has bytes between its entries',
      );
      continue;
    }
    for (const bytes of raw) hash.update(bytes);
    const { artifact, role } = placeOf(manifest, entry.path);
    const records = `${artifact.name}.tree`;
    if (role === 'entry') need(!done.has(records), 'the bundle has entries behind the records of their tree');
    else {
      const name = role === 'records' ? records : artifact.name;
      need(
        entry.type === 'file' && entry.extents === null && !done.has(name),
        () => `the bundle holds ${printable(name)} twice or as something else`,
      );
      need(
        role === 'records' || entry.sizeBytes === artifact.sizeBytes,
        () => `${printable(name)} has another size than its manifest says`,
      );
      done.add(name);
    }
    const content =
      entry.type === 'file' && role !== 'records' && out
        ? out.file({ ...entry, isStream: role === 'stream' })
        : null;
    const own = role === 'entry' ? null : createHash('sha256');
    try {
      for (let left = entry.storedBytes; left > 0; ) {
        const part = await reader.some(left);
        left -= part.length;
        hash.update(part);
        own?.update(part);
        content?.write(part);
      }
      const zeros = await reader.exactly(padding(entry.storedBytes));
      hash.update(zeros);
      need(
        zeros.every((byte) => byte === 0),
        'the bundle has bytes between its entries',
      );
      need(
        !own || own.digest('hex') === artifact.sha256,
        () => `${printable(entry.path)} differs from what the manifest says`,
      );
      content?.end();
    } catch (error) {
      content?.abandon();
      throw error;
    }
    if (!out) continue;
    if (entry.type === 'folder') out.folder(entry);
    else if (entry.type === 'symlink') out.symlink(entry);
    else if (entry.type === 'hardlink') out.hardLink(entry);
    else if (entry.type !== 'file') out.special(entry, false);
  }
  need(
    (await reader.exactly(512)).every((byte) => byte === 0),
    'the bundle has half an end mark',
  );
  need(await reader.atEnd(), 'the bundle goes on behind its end');
  for (const { name, form } of manifest.artifacts) {
    const wanted = form === 'tree' ? `${name}.tree` : name;
    need(done.has(wanted), () => `the bundle lacks ${printable(wanted)}, which its manifest names`);
  }
  return { signature, state: signatureState(signature, hash.digest(), options.trusted) };
}

function signatureState(signature, digest, trusted) {
  if (trusted === null) return signature === null ? 'absent' : 'unchecked';
  need(signature !== null, 'the bundle is not signed');
  const publicKey = trusted.get(signature.subarray(64).toString('hex'));
  need(publicKey !== undefined, 'the bundle is not signed by anybody the recovery kit names');
  if (publicKey === null) throw usage('a bundle is checked with --signers, which holds the public keys');
  const message = Buffer.concat([Buffer.from('holdfast v1 bundle manifest'), digest]);
  need(
    ed25519Verifies(publicKey, message, signature.subarray(0, 64)),
    'the signature of the bundle does not match',
  );
  return 'valid';
}

/* ── commands ───────────────────────────────────────────────────────────────────────────────────────────────── */

const BUNDLE_NAME = /\.tar\.(zst|gz)(\.enc)?$/;

const rounded = (bytes) => {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  let value = bytes;
  for (; value >= 999.5 && unit < 4; unit += 1) value /= 1024;
  return `${value.toFixed(unit === 0 || value >= 9.95 ? 0 : 1)} ${units[unit]}`;
};

const summaryOf = (manifest) => ({
  id: manifest.id,
  state: manifest.state,
  plan: manifest.plan ?? null,
  tenantId: manifest.tenantId,
  type: manifest.type,
  startedAt: manifest.startedAt,
  complete: manifest.complete !== false,
  sizeBytes: manifest.artifacts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
});

const detailsOf = (manifest) => ({
  ...summaryOf(manifest),
  host: manifest.host,
  program: manifest.program,
  signedBy: manifest.signedBy ?? null,
  artifacts: manifest.artifacts.map(({ name, source, kind, form, sizeBytes, sha256: hash }) => ({
    name,
    source,
    kind,
    form,
    sizeBytes,
    sha256: hash,
  })),
  problems: manifest.problems ?? [],
});

/** The kit's copies of the small objects of this repository, or null without a kit. */
function spareOf(kit, folder) {
  if (kit === null) return null;
  const heads = join(resolve(kit), 'heads');
  let ids = [];
  try {
    ids = fs.readdirSync(heads);
  } catch {
    throw usage(`${heads} is not there: the kit was made without --with-key, which leaves such copies out`);
  }
  let id = ids[0];
  try {
    id = parseJson(fs.readFileSync(join(folder, 'config')), 'config').repositoryId;
  } catch {
    if (ids.length !== 1)
      throw usage(`${heads} has copies of several repositories: keep only the one that is meant`);
  }
  if (!ids.includes(id)) throw usage(`${heads} has no copies of the repository ${printable(id)}`);
  return join(heads, id);
}

/** A repository or a folder of bundles, with every backup that counts. */
async function openAddress(options, address) {
  const folder = resolve(address);
  const isFolder = fs.statSync(folder, { throwIfNoEntry: false })?.isDirectory();
  if (!isFolder) throw usage(`${folder} is no folder: fetch the repository to one first`);
  const store = openStore(folder, spareOf(options.kit, folder));
  const rejected = [];
  const reject = (name, why) => {
    rejected.push(name);
    options.warn(`${printable(name)}: ${why}`);
  };
  const bundles = store.list('').filter((name) => BUNDLE_NAME.test(name));
  if (store.copies('config').length > 0 || bundles.length === 0) {
    if (store.copies('config').length === 0) throw usage(`${folder} holds neither a repository nor bundles`);
    const repository = openRepository(store, options);
    return { repository, rejected, manifests: readManifests(repository, reject) };
  }
  const manifests = [];
  for (const name of bundles) {
    try {
      const { manifest, reader } = await openBundle(join(folder, name), options.credentials);
      await reader.close();
      manifests.push({
        ...manifest,
        state: name.startsWith('archived/') ? 'archived' : 'backups',
        file: join(folder, name),
      });
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      if (error.kind === 'key' && options.credentials.length === 0) throw error;
      reject(name, error.message);
    }
  }
  if (manifests.length === 0)
    throw new Failure('key', `${WRONG_KEY} bundles: none of ${bundles.length} opens`);
  manifests.sort((a, b) => (a.startedAt < b.startedAt ? 1 : -1));
  return { repository: null, rejected, manifests };
}

async function list(options, [address]) {
  const { manifests, rejected } = await openAddress(options, address);
  const rows = manifests.map(summaryOf);
  const lines = rows.map((row) =>
    `${row.id}  ${row.startedAt.slice(0, 19).replace('T', ' ')}  ${row.type.padEnd(7)}  ${rounded(row.sizeBytes).padStart(8)}  ${row.state === 'archived' ? 'archived ' : ''}${row.complete ? '' : 'incomplete '}${printable(row.plan ?? '')}${row.tenantId === null ? '' : ` tenant ${printable(row.tenantId)}`}`.trimEnd(),
  );
  return {
    json: rows,
    text: [...lines, `${rows.length} backups`],
    exit: rejected.length > 0 ? EXIT.damaged : 0,
  };
}

async function show(options, [address, id]) {
  const { manifests } = await openAddress(options, address);
  const details = detailsOf(chosen(manifests, id));
  return {
    json: details,
    text: [
      `backup     ${details.id} (${details.state}${details.complete ? '' : ', incomplete'})`,
      `time       ${details.startedAt}, on ${printable(details.host)}, by ${printable(details.program)}`,
      `signed by  ${details.signedBy ?? 'see open-bundle'}`,
      ...details.artifacts.map(
        ({ name, kind, sizeBytes, sha256: hash }) =>
          `${printable(name)}  ${printable(kind)}  ${rounded(sizeBytes)}  ${hash}`,
      ),
      ...details.problems.map(
        ({ artifact, path, message }) => `problem    ${printable(`${artifact} ${path}: ${message}`)}`,
      ),
    ],
  };
}

/** Runs `work`; with --keep-going what is damaged is noted and left out. */
function tolerant(options, damage, what, work) {
  try {
    work();
    return true;
  } catch (error) {
    if (!(error instanceof Failure) || error.kind !== 'damaged' || !options.keepGoing) throw error;
    damage.push(`${printable(what)}: ${error.message}`);
    return false;
  }
}

function writeFile(out, entry, content) {
  const file = out.file(entry);
  const hash = createHash('sha256');
  try {
    for (const bytes of content) {
      hash.update(bytes);
      file.write(bytes);
    }
    need(
      !entry.sha256 || hash.digest('hex') === entry.sha256,
      () => `${printable(entry.path)} differs from what the manifest says`,
    );
    file.end();
  } catch (error) {
    file.abandon();
    throw error;
  }
}

function openTree(context, artifact) {
  const { reader, out, options, damage } = context;
  const base = Buffer.from(artifact.name);
  const hash = createHash('sha256');
  const inside = (path) => (path.length === 0 ? base : Buffer.concat([base, latin1('/'), path]));
  const entries = readTree(reader.read(artifact.content), hash);
  const first = entries.next().value;
  let next = entries.next();
  // A source that was one file gives a tree of one entry, which takes the artifact's own name.
  const isLone = first !== undefined && next.done && first.type !== 'folder';
  for (let entry = first; entry !== undefined; ) {
    const placed = {
      ...entry,
      path: isLone ? base : inside(entry.path),
      hardLinkTo: entry.hardLinkTo && inside(entry.hardLinkTo),
    };
    if (placed.hardLinkTo) tolerant(options, damage, placed.path, () => out.hardLink(placed));
    else if (entry.type === 'file') {
      const content = entry.content ? reader.read(entry.content) : [];
      tolerant(options, damage, placed.path, () => writeFile(out, placed, content));
    } else if (entry.type === 'folder') out.folder(placed);
    else if (entry.type === 'symlink') out.symlink(placed);
    else out.special(placed, true);
    entry = next.value;
    if (!next.done) next = entries.next();
  }
  need(
    hash.digest('hex') === artifact.sha256,
    () => `${printable(artifact.name)} differs from what the manifest says`,
  );
}

async function open(options, [address, id, folder]) {
  const { repository, manifests } = await openAddress(options, address);
  const manifest = chosen(manifests, id);
  if (repository === null) return openBundleFile(options, [manifest.file, folder]);
  checkNames(manifest.artifacts);
  for (const item of options.items) {
    if (!manifest.artifacts.some(({ name }) => name === item))
      throw usage(`the backup holds no ${printable(item)}`);
  }
  const reader = chunkReader(repository, loadChunks(repository, options.warn));
  const out = newFolder(folder, { owners: options.owners ?? process.getuid?.() === 0 });
  const damage = [];
  const opened = [];
  try {
    for (const artifact of manifest.artifacts) {
      const { name, form, sizeBytes, sha256: hash, content } = artifact;
      if (options.items.length > 0 && !options.items.includes(name)) continue;
      options.note(`${printable(name)} (${rounded(sizeBytes)})`);
      const isGood = tolerant(options, damage, name, () => {
        if (form === 'tree') openTree({ reader, out, options, damage }, artifact);
        else {
          need(content.sizeBytes === sizeBytes, 'an artifact has content of another size');
          const modifiedAtNs = BigInt(Date.parse(manifest.startedAt)) * 1_000_000n;
          const entry = {
            ...ROOT_ENTRY,
            path: Buffer.from(name),
            sizeBytes,
            modifiedAtNs,
            sha256: hash,
            isStream: true,
          };
          if (options.owners ?? process.getuid?.() === 0)
            Object.assign(entry, { uid: process.getuid(), gid: process.getgid() });
          writeFile(out, entry, reader.read(content));
        }
      });
      if (isGood) opened.push({ name, form, sizeBytes, sha256: hash });
    }
    out.finish();
  } catch (error) {
    out.abandon();
    throw error;
  } finally {
    reader.close();
  }
  return openedResult(resolve(folder), manifest, opened, out.skipped, damage, 'valid');
}

const SIGNATURES = {
  valid: 'checksums and signature good',
  unchecked: 'checksums good, signature not checked (give --signers)',
  absent: 'checksums good, not signed',
};

function openedResult(folder, manifest, artifacts, skipped, damage, signature) {
  return {
    json: { backupId: manifest.id, folder, signature, artifacts, skipped, damaged: damage },
    text: [
      ...skipped.map((path) => `left out: ${path}`),
      ...damage.map((what) => `damaged, left out: ${what}`),
      `backup ${printable(manifest.id)} opened in ${folder}: ${damage.length > 0 ? `${damage.length} damaged` : SIGNATURES[signature]}`,
      ...(manifest.complete === false
        ? ['note: the backup itself is incomplete; show names what could not be read then']
        : []),
    ],
    exit: damage.length > 0 ? EXIT.damaged : 0,
  };
}

async function openBundleFile(options, [file, folder]) {
  const bundle = await openBundle(file, options.credentials);
  let out = null;
  try {
    out = newFolder(folder, { owners: options.owners ?? false });
    const owner = options.owners ? { uid: process.getuid(), gid: process.getgid() } : {};
    const own = (name, bytes) => {
      const modifiedAtNs = BigInt(Date.now()) * 1_000_000n;
      writeFile(
        out,
        {
          ...ROOT_ENTRY,
          ...owner,
          path: Buffer.from(name),
          sizeBytes: bytes.length,
          modifiedAtNs,
          isStream: true,
        },
        [bytes],
      );
    };
    own('manifest.json', bundle.json);
    const { signature, state } = await readBundle(bundle, out, options);
    if (signature !== null) own('manifest.sig', signature);
    out.finish();
    const artifacts = bundle.manifest.artifacts.map(({ name, form, sizeBytes, sha256: hash }) => ({
      name,
      form,
      sizeBytes,
      sha256: hash,
    }));
    return openedResult(resolve(folder), bundle.manifest, artifacts, out.skipped, [], state);
  } catch (error) {
    out?.abandon();
    throw error;
  } finally {
    await bundle.reader.close();
  }
}

/** Every object, and everything the backups refer to. */
function checkObjects(repository, damage) {
  const { store, id, masterKeyOf } = repository;
  const each = (prefix, look) => {
    for (const name of store.list(prefix)) {
      try {
        look(name, store.get(name));
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        damage.push(`${printable(name)}: ${error.message}`);
      }
    }
  };
  const leaf = (name) => name.slice(name.lastIndexOf('/') + 1);
  each('packs/', (name, bytes) => {
    need(
      sha256(bytes).toString('hex') === leaf(name) && packName(leaf(name)) === name,
      'its name is not the SHA-256 of its bytes',
    );
    for (const _ of readTable(ownTable(repository, leaf(name))));
  });
  each('index/', (name, bytes) => {
    need(sha256(bytes).toString('hex') === leaf(name), 'its name is not the SHA-256 of its bytes');
    openSealed(bytes, 'index', id, masterKeyOf);
  });
  each('keys/', (name, bytes) => {
    const { mac, ...slot } = readSlot(bytes, name);
    need(slot.repositoryId === repository.idText, 'it belongs to another repository');
    if (!repository.masterKeys.has(slot.epoch)) return;
    const key = hkdf(masterKeyOf(slot.epoch), NOTHING, 'holdfast v1 slot mac', 32);
    const expected = b64(createHmac('sha256', key).update(JSON.stringify(slot)).digest());
    need(
      mac === expected && bytes.equals(Buffer.from(JSON.stringify({ ...slot, mac }))),
      'it was changed since it was written',
    );
  });
  each('keyrings/', (name, bytes) => {
    const epoch = Number(leaf(name));
    if (repository.masterKeys.has(epoch)) readKeyring(bytes, epoch, masterKeyOf(epoch), id);
  });
  each('signers/', (name, bytes) => {
    if (repository.masterKeys.has(Number(name.split('/')[1]))) readSigner(bytes, name, repository);
  });
  const sealed = { holds: 'hold', tombstones: 'tombstone', leases: 'lease', evidence: 'evidence' };
  for (const [folder, type] of Object.entries(sealed)) {
    each(`${folder}/`, (_, bytes) => void openSealed(bytes, type, id, masterKeyOf));
  }
}

function checkContents(repository, manifests, options, damage) {
  const table = loadChunks(repository, (message) => damage.push(message));
  const reader = chunkReader(repository, table);
  const seen = new Uint8Array(table.count + 1);
  const met = ({ id, lengthBytes }) => {
    const number = table.numberOf(id);
    if (number !== null && seen[number] === 1) return;
    need(reader.chunk(id).length === lengthBytes, 'a chunk has another length than its reference');
    seen[number] = 1;
  };
  const walk = (content) => {
    let total = 0;
    for (const ref of reader.refsOf(content, met)) {
      met(ref);
      total += ref.lengthBytes;
    }
    need(total === content.sizeBytes, 'a content does not add up');
  };
  for (const manifest of manifests) {
    options.note(manifest.id);
    for (const artifact of manifest.artifacts) {
      const note = (what, work) => {
        try {
          work();
        } catch (error) {
          if (!(error instanceof Failure) || error.kind === 'failed') throw error;
          damage.push(`backup ${manifest.id}: ${printable(what)}: ${error.message}`);
        }
      };
      note(artifact.name, () => {
        if (artifact.form === 'stream') {
          walk(artifact.content);
          return;
        }
        const hash = createHash('sha256');
        for (const { path, content } of readTree(reader.read(artifact.content), hash)) {
          if (content) note(Buffer.concat([Buffer.from(`${artifact.name}/`), path]), () => walk(content));
        }
        need(hash.digest('hex') === artifact.sha256, 'differs from what the manifest says');
      });
    }
  }
  reader.close();
}

async function check(options, [address, id]) {
  const damage = [];
  const warn = (message) => {
    damage.push(message);
    options.warn(message);
  };
  const { repository, rejected, manifests } = await openAddress({ ...options, warn }, address);
  const wanted = id === undefined ? manifests : [chosen(manifests, id)];
  if (repository !== null) {
    if (id === undefined) checkObjects(repository, damage);
    checkContents(repository, wanted, options, damage);
  } else {
    for (const { file } of wanted) {
      try {
        const bundle = await openBundle(file, options.credentials);
        await readBundle(bundle, null, options).finally(() => bundle.reader.close());
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        damage.push(`${file}: ${error.message}`);
      }
    }
  }
  const found = [...new Set(damage)];
  const isGood = found.length === 0 && rejected.length === 0;
  return {
    json: { ok: isGood, backups: wanted.map((manifest) => manifest.id), damaged: found },
    text: [
      ...found.map((what) => `damaged: ${what}`),
      isGood ? `${wanted.length} backups: every byte is good` : 'damage was found',
    ],
    exit: isGood ? 0 : EXIT.damaged,
  };
}

function showKey(options) {
  const [credential] = options.credentials;
  if (credential === undefined) throw new Failure('key', 'no key was given');
  const text = credential.raw ? keyText(credential.raw) : credential.passphrase;
  return { json: { keyId: credential.raw ? rawKeyId(credential.raw) : null, key: text }, text: [text] };
}

const COMMANDS = {
  list: { run: list, least: 1, most: 1 },
  show: { run: show, least: 2, most: 2 },
  open: { run: open, least: 3, most: 3 },
  'open-bundle': { run: openBundleFile, least: 2, most: 2 },
  check: { run: check, least: 1, most: 2 },
  key: { run: showKey, least: 0, most: 0 },
};

const VALUED = [
  '--key-file',
  '--kit-passphrase-file',
  '--signers',
  '--fingerprint',
  '--kit',
  '--item',
  '--zstd',
];
const PLAIN = ['--keep-going', '--owners', '--no-owners', '--json', '--help'];

function parseArguments(argv) {
  const given = { words: [] };
  for (let i = 0; i < argv.length; i += 1) {
    const [name, ...value] = argv[i].split('=');
    if (!argv[i].startsWith('--')) given.words.push(argv[i]);
    else if (PLAIN.includes(argv[i])) given[name] = true;
    else if (VALUED.includes(name)) {
      if (value.length === 0) i += 1;
      const text = value.length > 0 ? value.join('=') : argv[i];
      if (text === undefined) throw usage(`${name} needs a value`);
      given[name] = [...(given[name] ?? []), text];
    } else throw usage(`unknown option ${printable(argv[i])}`);
  }
  return given;
}

function readText(file) {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    throw new Failure('key', `${file} cannot be read: ${error.code}`);
  }
}

function readCredentials(given, environment) {
  const passphraseFile = given['--kit-passphrase-file']?.[0];
  const kitPassphrase = passphraseFile
    ? readText(passphraseFile).replace(/[\r\n]+$/, '')
    : (environment.HOLDFAST_KIT_PASSPHRASE ?? null);
  const texts = (given['--key-file'] ?? []).map(readText);
  if (environment.BACKUP_ENCRYPTION_KEY) texts.push(environment.BACKUP_ENCRYPTION_KEY);
  if (environment.BACKUP_ENCRYPTION_KEY_FILE) texts.push(readText(environment.BACKUP_ENCRYPTION_KEY_FILE));
  texts.push(
    ...(environment.BACKUP_ENCRYPTION_KEY_OLD ?? '').split('\n').filter((line) => line.trim() !== ''),
  );
  return texts.map((text) => parseKeyText(text, kitPassphrase));
}

/** Fingerprint → public key, or null where only the fingerprint is known. Null when nothing was given. */
function readTrusted(given) {
  if (!given['--signers'] && !given['--fingerprint']) return null;
  const trusted = new Map();
  for (const text of given['--fingerprint'] ?? []) {
    const fingerprint = text.replace(/[:\s]/g, '').toLowerCase();
    if (!/^[0-9a-f]{64}$/.test(fingerprint)) throw usage('a fingerprint has 64 hex digits');
    trusted.set(fingerprint, null);
  }
  for (const file of given['--signers'] ?? []) {
    const { signers } = parseJson(Buffer.from(readText(file)), file);
    for (const { publicKey } of signers ?? []) {
      const bytes = fromB64(publicKey, 32, 'a public key');
      trusted.set(sha256(bytes).toString('hex'), bytes);
    }
  }
  return trusted;
}

async function main(argv, environment) {
  const isJson = argv.includes('--json');
  try {
    const given = parseArguments(argv);
    const [name, ...words] = given.words;
    if (given['--help'] || name === undefined || name === 'help') {
      process.stdout.write(USAGE);
      return name === undefined && !given['--help'] ? EXIT.usage : 0;
    }
    const command = COMMANDS[name];
    if (command === undefined) throw usage(`unknown command ${printable(name)}; see --help`);
    if (words.length < command.least || words.length > command.most)
      throw usage(`${name} takes other arguments; see --help`);
    chooseZstd(given['--zstd']?.[0] ?? 'auto');
    const options = {
      credentials: readCredentials(given, environment),
      trusted: readTrusted(given),
      kit: given['--kit']?.[0] ?? null,
      items: given['--item'] ?? [],
      keepGoing: given['--keep-going'] === true,
      owners: given['--owners'] ? true : given['--no-owners'] ? false : null,
      warn: (message) => process.stderr.write(`warning: ${message}\n`),
      note: (message) => process.stderr.write(`${message}\n`),
    };
    const { json, text, exit = 0 } = await command.run(options, words);
    process.stdout.write(isJson ? `${JSON.stringify(json, null, 2)}\n` : `${text.join('\n')}\n`);
    return exit;
  } catch (error) {
    const { kind, message } = explained(error);
    if (isJson) process.stdout.write(`${JSON.stringify({ error: { kind, message } }, null, 2)}\n`);
    process.stderr.write(`holdfast-decode: ${message}\n`);
    return EXIT[kind];
  }
}

function explained(error) {
  if (error instanceof Failure) return error;
  // Something that should have been checked was not there: it is malformed all the same.
  const isMalformed = error instanceof TypeError || error instanceof RangeError;
  if (isMalformed) return damaged(`something is malformed: ${error.message}`);
  return failed(`something unexpected happened: ${error.stack}`);
}

/** For tests: this file is a program and no library. */
export { zstdBuiltin };

const isProgram = process.argv[1] && fs.realpathSync(process.argv[1]) === fileURLToPath(import.meta.url);
if (isProgram) process.exitCode = await main(process.argv.slice(2), process.env);
