import { execFileSync } from 'node:child_process';
import { HoldfastError } from '../../base/errors.ts';
import type { TreeEntry } from '../port.ts';
import type { FolderHandle } from './handles.ts';

/** The parts of a Linux device number. */
export function splitDeviceNumber(device: bigint): { major: number; minor: number } {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn);
  const minor = (device & 0xffn) | ((device >> 12n) & ~0xffn);
  return { major: Number(major & 0xffffffffn), minor: Number(minor & 0xffffffffn) };
}

/**
 * Makes a FIFO or device called `name` (plain ASCII) in `folder` with the entry's permission bits. Node cannot, so the system's own
 * tools do. Throws `tool_missing`, `target_failed`.
 */
export function makeSpecialFile(folder: FolderHandle, name: string, entry: TreeEntry): void {
  const { major, minor } = splitDeviceNumber(entry.deviceNumber);
  const letter = { fifo: 'p', block: 'b', character: 'c' }[entry.type as 'fifo' | 'block' | 'character'];
  const numbers = letter === 'p' ? [] : [String(major), String(minor)];
  try {
    execFileSync(
      'mknod',
      ['-m', (entry.mode & 0o777).toString(8), '--', folder.base + name, letter, ...numbers],
      { stdio: 'pipe' },
    );
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') {
      throw new HoldfastError('tool_missing', 'mknod is needed to restore special files', { cause: error });
    }
    throw new HoldfastError('target_failed', `mknod failed for a ${entry.type}`, { cause: error });
  }
}
