import { HoldfastError } from '../base/errors.ts';
import { printablePath } from './bundle-item.ts';
import { type BundleLimits, limitExceeded } from './limits.ts';

const SLASH = 0x2f;
const DOT = 0x2e;

/**
 * Refuses every path that could leave the target or name two things: absolute, with `..`, `.`, empty components,
 * NUL. Throws `path_unsafe`, or `limit_exceeded` for one too long or too deep. Bytes are compared, nothing is
 * normalised: what looks alike stays two names.
 */
export function checkEntryPath(path: Buffer, limits: BundleLimits): void {
  if (path.length > limits.maxPathBytes) throw limitExceeded('a path', limits.maxPathBytes);
  let depth = 0;
  let start = 0;
  for (let i = 0; i <= path.length; i += 1) {
    if (i < path.length && path[i] !== SLASH) {
      if (path[i] === 0) throw unsafe(path);
      continue;
    }
    const length = i - start;
    const dots = path[start] === DOT && (length === 1 || (length === 2 && path[start + 1] === DOT));
    if (length === 0 || dots) throw unsafe(path);
    depth += 1;
    start = i + 1;
  }
  if (depth > limits.maxDepth) throw limitExceeded('a path with components', limits.maxDepth);
}

export function unsafe(path: Buffer, why = 'is no safe path'): HoldfastError {
  return new HoldfastError('path_unsafe', `"${printablePath(path)}" ${why}`);
}
