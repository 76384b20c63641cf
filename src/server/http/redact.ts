const USER_AND_PASSWORD = /\b([a-z][a-z0-9+.-]*:\/\/)([^\s/?#'"]*):([^\s?#'"]*)@/gi;
const PARAMETER = /([?&\s;](?:password|passfile|sslpassword|secret|token)=)([^&\s'"#]+)/gi;
const OWN = /\b(hf[kp]1-|hft_|hfs_|hfsetup_|hfcode_)[0-9A-Za-z_-]+/g;

/** Hides passwords in addresses, key texts and tokens wherever they stand in what goes out. */
export function redact(text: string): string {
  return text
    .replace(USER_AND_PASSWORD, '$1$2:***@')
    .replace(PARAMETER, '$1***')
    .replace(OWN, (_, prefix: string) => `${prefix}***`);
}
