/** Tool folders whose pg_dump misbehaves as told, around the real one. */
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Makes `folder` a tool folder. `script` runs for every dump, with `$REAL` the real pg_dump and `"$@"` its arguments;
 * the version is answered truthfully.
 */
export function fakePgDump(folder: string, binFolder: string, script: string): string {
  mkdirSync(folder, { recursive: true });
  const real = join(binFolder, 'pg_dump');
  const text = `#!/bin/bash\nREAL='${real}'\nif [ "$1" = --version ]; then exec "$REAL" --version; fi\n${script}\n`;
  const path = join(folder, 'pg_dump');
  writeFileSync(path, text);
  chmodSync(path, 0o755);
  for (const tool of ['pg_restore', 'pg_dumpall']) symlinkSync(join(binFolder, tool), join(folder, tool));
  return folder;
}
