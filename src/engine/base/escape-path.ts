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
