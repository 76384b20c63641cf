import type { Body } from './document-kind.ts';

export interface FieldsProps {
  readonly body: Body;
  readonly onChange: (body: Body) => void;
  /** What the server says is wrong with a field; null for nothing. */
  readonly problem: (field: string) => string | null;
  /** Others were stored instead of this one. Null for one that is stored itself. */
  readonly onAdded?: (() => void) | null;
}
