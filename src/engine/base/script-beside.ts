import { extname } from 'node:path';

/**
 * What a thread or process of its own runs: the file `name`, without ending, in the folder of the module whose `import.meta.url` is given.
 * Both are TypeScript in a checkout and JavaScript once they are built.
 */
export const scriptBeside = (moduleUrl: string, name: string): URL =>
  new URL(`./${name}${extname(moduleUrl)}`, moduleUrl);
