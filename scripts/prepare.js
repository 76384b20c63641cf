// `npm ci` ends with this: the web page is built where its sources and tools are. An installation without them, or on an older
// Node that only starts the newer one, goes on without a page; the server then says how to build it.
import { existsSync } from 'node:fs';

const NEEDED_MAJOR = 24;
const has = (path) => existsSync(new URL(path, import.meta.url));
const canBuild =
  Number(process.versions.node.split('.')[0]) >= NEEDED_MAJOR &&
  has('../web/index.html') &&
  has('../node_modules/vite/package.json');

if (canBuild) {
  try {
    const { buildWeb } = await import('./build-web.ts');
    buildWeb({ onlyWhenOld: true });
  } catch (error) {
    console.error(error.message);
  }
}
