/** `npm run build:web`: builds the web page into dist/web. `npm ci` does the same by scripts/prepare.js. */
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, rmSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const BUILD = join(root, 'dist', 'web');
const VITE = join(root, 'node_modules', 'vite', 'bin', 'vite.js');
/** What a build depends on; of the contracts only types reach it. */
const SOURCES = ['web/src/**/*', 'web/public/*', 'web/*.{html,ts,json}', 'package-lock.json'];

/** Gives the folder. `onlyWhenOld` keeps a build that is newer than its sources. Throws when the build fails. */
export function buildWeb({ onlyWhenOld }: { readonly onlyWhenOld: boolean }): string {
  if (onlyWhenOld && isFresh()) return BUILD;
  const { status, stdout, stderr } = spawnSync(process.execPath, [VITE, 'build'], {
    cwd: join(root, 'web'),
    encoding: 'utf8',
    env: { ...process.env, NODE_ENV: 'production' },
  });
  if (status !== 0) {
    rmSync(BUILD, { recursive: true, force: true });
    throw new Error(`the web page was not built: ${stderr || stdout}`);
  }
  return BUILD;
}

function isFresh(): boolean {
  const page = join(BUILD, 'index.html');
  if (!existsSync(page)) return false;
  const builtMs = statSync(page).mtimeMs;
  return globSync(SOURCES, { cwd: root }).every((file) => statSync(join(root, file)).mtimeMs <= builtMs);
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  console.log(`web page: ${buildWeb({ onlyWhenOld: false })}`);
