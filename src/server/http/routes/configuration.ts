import type { App, ServerContext } from '../context.ts';

export function addConfigurationRoutes(_app: App, _context: ServerContext): void {}
