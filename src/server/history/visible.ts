/** Whose things a list shows. */
export interface Visibility {
  /** Tenants whose things are shown; null or absent for all and for what belongs to none. */
  readonly visible?: readonly string[] | null | undefined;
}

/** For `where tenant_id in`: null for no condition. Of nobody's tenants, nothing is shown. */
export function tenantsShown({ visible }: Visibility): string[] | null {
  if (visible === undefined || visible === null) return null;
  return visible.length > 0 ? [...visible] : [''];
}
