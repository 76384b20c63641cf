/** The door to the files source: folders and files in, a tree out, and back. */
export { escapePath } from './escape-path.ts';
export { artifactNames, type FilesOptions, filesSource } from './files-source.ts';
