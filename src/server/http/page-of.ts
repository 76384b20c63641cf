import { listPage } from '../catalog/pages.ts';

/** `listPage` as an answer. */
export function pageOf<T>(rows: readonly T[], limit: number, cursorOf: (row: T) => string) {
  const { items, next } = listPage(rows, limit, cursorOf);
  return { items: [...items], next };
}
