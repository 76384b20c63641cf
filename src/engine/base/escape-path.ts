const UTF8 = new TextDecoder('utf-8', { fatal: true });
const hex = (byte: number) => `\\x${byte.toString(16).padStart(2, '0')}`;

/** The bytes of a path as text for people: invalid UTF-8, controls and backslashes become `\xNN`. */
export function escapePath(path: Uint8Array): string {
  try {
    const text = UTF8.decode(path);
    // Also the characters that reorder or hide text on a terminal.
    return text.replace(/[\\\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (char) => [...Buffer.from(char)].map(hex).join(''));
  } catch {
    return [...path]
      .map((byte) => (byte >= 0x20 && byte < 0x7f && byte !== 0x5c ? String.fromCharCode(byte) : hex(byte)))
      .join('');
  }
}

/** What `escapePath` wrote, as bytes again. */
export function unescapePath(text: string): Buffer {
  const parts = text.split(/(\\x[0-9a-f]{2})/);
  return Buffer.concat(
    parts.map((part, i) =>
      i % 2 === 0 ? Buffer.from(part) : Buffer.from([Number.parseInt(part.slice(2), 16)]),
    ),
  );
}
