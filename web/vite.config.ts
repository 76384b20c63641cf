import { pathToFileURL } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

/** Sources have both languages side by side; what is built has each by itself, so that one alone is loaded. */
const oneLanguage: Plugin = {
  ...{ name: 'one-language', apply: 'build', enforce: 'pre' },
  async load(id) {
    const name = /\/texts\/(english|german)\.ts$/.exec(id)?.[1];
    if (!name) return null;
    const texts = (await import(pathToFileURL(id).href))[name] as Record<string, string>;
    return `export const ${name} = ${JSON.stringify(texts)};`;
  },
};

// biome-ignore lint/style/noDefaultExport: Vite takes its configuration from the default export.
export default defineConfig({
  base: '/admin/',
  plugins: [oneLanguage, react()],
  build: {
    outDir: '../dist/web',
    emptyOutDir: true,
    target: 'es2023',
    // An image inside the page would need another rule in the policy of what may be loaded.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { proxy: { '/api': 'http://127.0.0.1:4180', '/functions': 'http://127.0.0.1:4180' } },
});
