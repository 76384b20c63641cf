/** The same for every tool: all derive their keys from a password, with the work each has chosen for that. */
export const PASSWORD = 'seven quiet harbours behind the northern light';
