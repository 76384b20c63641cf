/** The door to evidence: signed documents and pages, made and checked. Needs no repository. */
export {
  type CheckResult,
  type DrillReport,
  drillReportSchema,
  type TrendPoint,
} from './drill-report.ts';
export { openEvidence, signEvidence } from './envelope.ts';
export { evidencePage } from './evidence-page.ts';
export { asMarkup } from './page-text.ts';
export { type VerifiedEvidence, verifyEvidence } from './verify-evidence.ts';
