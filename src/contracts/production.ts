type Environment = Readonly<Record<string, string | undefined>>;

/** True where an accident costs most: NODE_ENV or HOLDFAST_ENVIRONMENT is `production`. */
export const isProduction = ({ NODE_ENV, HOLDFAST_ENVIRONMENT }: Environment) =>
  [NODE_ENV, HOLDFAST_ENVIRONMENT].includes('production');

/** Promise X1: in production, replacing anything needs CONFIRM_RESTORE_IN_PROD=true. */
export const mayReplace = (environment: Environment) =>
  !isProduction(environment) || environment.CONFIRM_RESTORE_IN_PROD === 'true';
