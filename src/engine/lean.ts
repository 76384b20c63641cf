/**
 * The engine's door for a program that starts, does one thing and ends: the same functions as those of `index.ts`. What takes
 * long to load is loaded when it is called, or while a passphrase is turned into a key.
 */
export { generateKeyText } from './crypto/key-text.ts';
export { verifyEvidence } from './evidence/verify-evidence.ts';
export { isWeakPassphrase, keyIdOf } from './key-facts.ts';
export { readAnchors, writeAnchor } from './operations/anchors.ts';
export { openEngine } from './operations/engine.ts';
export { resolveRetention } from './operations/retention-rules.ts';
export { SAFETY_PLAN } from './repository/manifest.ts';

type Whole = typeof import('./index.ts');

type Method = (...args: readonly unknown[]) => Promise<unknown>;

type Asynchronous = {
  [Name in keyof Whole]: Whole[Name] extends (...args: never[]) => Promise<unknown> ? Name : never;
}[keyof Whole];

/** Only for what answers by a promise: then it makes no difference to callers. */
function later<Name extends Asynchronous>(name: Name): Whole[Name] {
  const method: Method = async (...args) =>
    ((await import('./index.ts'))[name] as unknown as Method)(...args);
  return method as unknown as Whole[Name];
}

export const backupToAll = later('backupToAll');
export const dropKept = later('dropKept');
export const dumpTables = later('dumpTables');
export const eachDestination = later('eachDestination');
export const failedDrill = later('failedDrill');
export const listSwitches = later('listSwitches');
export const openBundle = later('openBundle');
export const replicateBetween = later('replicateBetween');
export const safetySources = later('safetySources');
export const storeAtCopies = later('storeAtCopies');
export const switchBack = later('switchBack');
export const verifyAll = later('verifyAll');
export const withNearestCopy = later('withNearestCopy');
export const writeKit = later('writeKit');
