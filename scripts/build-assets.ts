/** Second half of `npm run build`: what the sources hold besides TypeScript goes to the same place in dist. */
import { cpSync, globSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');

for (const file of globSync('**/*.*', { cwd: join(root, 'src') })) {
  if (!file.endsWith('.ts')) cpSync(join(root, 'src', file), join(root, 'dist', file));
}
