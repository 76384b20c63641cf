import type { App, ServerContext } from '../context.ts';

export function addSetupRestoreRoutes(_app: App, _context: ServerContext): void {}
