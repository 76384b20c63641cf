/** The door to the files source: folders and files in, a tree out, and back. */
export { type CompareOptions, compareTrees, type TreeDifference } from './compare-trees.ts';
export { escapePath } from './escape-path.ts';
export { artifactNames, type FilesOptions, filesSource } from './files-source.ts';
export type { RestoreLimits } from './restore-plan.ts';
export { type Exchange, exchangeFolders, removeTree } from './restore-target.ts';
export { type RestoreReport, type RestoreTreeOptions, restoreTree } from './restore-tree.ts';
