import { join } from 'node:path';
import { sourceConformance } from '../../../../test/conformance/source.ts';
import { makeBank } from '../../../../test/support/bank.ts';
import { temporaryFolder } from '../../../../test/support/temporary-folder.ts';
import { sqliteSource } from './sqlite-source.ts';

sourceConformance('sqlite', async (t) => {
  const folder = await temporaryFolder(t);
  makeBank(join(folder, 'bank.db'), 'wal');
  const source = (path: string) => sqliteSource({ name: 'bank', path: join(folder, path) });
  return {
    source: source('bank.db'),
    missing: { source: source('nothing.db'), code: 'source_missing' },
    isRepeatable: true,
  };
});
