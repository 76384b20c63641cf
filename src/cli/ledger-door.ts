/** The ledger as the command line uses it. Loaded on first use only, like the engine. */
export type LedgerModule = typeof import('../server/ledger/local-ledger.ts');
