const SLASH = 0x2f;

/**
 * The order of a tree stream: depth first, children by their raw bytes. The same as comparing whole paths
 * bytewise with `/` counted below every other byte. Negative, zero or positive.
 */
export function compareTreePaths(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i += 1) {
    const x = a[i]!;
    const y = b[i]!;
    if (x === y) continue;
    if (x === SLASH) return -1;
    if (y === SLASH) return 1;
    return x - y;
  }
  return a.length - b.length;
}
