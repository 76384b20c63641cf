import type { Config } from './config.ts';

/**
 * The configuration with the retention that the settings give to plans that say nothing about it: the tenant's, else that for all. What no
 * setting says is left out, for the defaults.
 */
export function withInheritedRetention(config: Config): Config {
  const plans = Object.entries(config.plans).map(([name, plan]) => {
    if (Object.keys(plan.retention).length > 0) return [name, plan];
    const { tenantId } = plan;
    const isKnown = tenantId !== null && Object.hasOwn(config.tenants, tenantId);
    const settings = { ...config.settings, ...(isKnown ? config.tenants[tenantId]!.settings : {}) };
    const { 'retention.days': days, 'retention.versions': versions } = settings;
    const retention = { ...(days !== undefined && { days }), ...(versions !== undefined && { versions }) };
    return [name, { ...plan, retention }];
  });
  return { ...config, plans: Object.fromEntries(plans) };
}
