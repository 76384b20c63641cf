import { buildWeb } from '../../scripts/build-web.ts';

/** Where the built page lies; builds it when it is missing or older than its sources. */
export const ensureWebBuild = (): string => buildWeb({ onlyWhenOld: true });
