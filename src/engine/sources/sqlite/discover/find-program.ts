/** The process that looks for databases: takes the folder and the limits as arguments, and writes findings as lines of JSON. */
import { writeSync } from 'node:fs';
import { findDatabases, type WalkLimits } from './find-databases.ts';

const [folder = '', limits = '{}'] = process.argv.slice(2);
const parent = process.ppid;

try {
  for (const finding of findDatabases(Buffer.from(folder, 'base64'), JSON.parse(limits) as WalkLimits)) {
    // Nobody is there any more to hear of it.
    if (process.ppid !== parent) break;
    writeSync(1, `${JSON.stringify(finding)}\n`);
  }
} catch (error) {
  if ((error as { code?: unknown }).code !== 'EPIPE') throw error;
}
