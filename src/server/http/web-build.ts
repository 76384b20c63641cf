/** The built web page: plain files that Vite wrote, handed out from memory. */
import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

export interface WebAsset {
  readonly type: string;
  readonly bytes: Buffer;
  /** Bytes as a browser may have them; null when packing does not pay. */
  readonly packed: { readonly br: Buffer; readonly gzip: Buffer } | null;
  /** The name changes with the content, so that a browser may keep it for good. */
  readonly isFixed: boolean;
}

export interface WebBuild {
  /** The page with this nonce; null without a build. */
  page(nonce: string): Promise<string | null>;
  /** A file of the build by its path below it; null when there is none. */
  asset(path: string): Promise<WebAsset | null>;
}

/** Where index.html has the nonce; see web/index.html. */
const NONCE = '__NONCE__';
const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};
/** Plain names only: nothing that leads out of the folder. */
const PATH = /^(?:assets\/)?[A-Za-z0-9_-][A-Za-z0-9._-]*$/;
const WORTH_PACKING_BYTES = 1024;

/** `folder` may be missing, and may be built anew meanwhile. */
export function webBuild(folder: string): WebBuild {
  const assets = new Map<string, WebAsset>();
  return {
    async page(nonce) {
      const page = await readOrNull(join(folder, 'index.html'));
      return page?.toString('utf8').replaceAll(NONCE, nonce) ?? null;
    },
    async asset(path) {
      const known = assets.get(path);
      if (known) return known;
      const type = TYPES[extname(path)];
      if (!type || !PATH.test(path)) return null;
      const bytes = await readOrNull(join(folder, path));
      if (!bytes) return null;
      const asset = { type, bytes, packed: await packedOf(bytes), isFixed: path.startsWith('assets/') };
      assets.set(path, asset);
      return asset;
    },
  };
}

async function readOrNull(file: string): Promise<Buffer | null> {
  return readFile(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR' || error.code === 'EISDIR') return null;
    throw error;
  });
}

/** Once for each file and start of the server. */
async function packedOf(bytes: Buffer): Promise<WebAsset['packed']> {
  if (bytes.length < WORTH_PACKING_BYTES) return null;
  const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: 6 } };
  return { br: await promisify(brotliCompress)(bytes, quality), gzip: await promisify(gzip)(bytes) };
}
