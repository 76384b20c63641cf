/** An SQL identifier, whatever it contains. */
export const quoteName = (name: string) => `"${name.replaceAll('"', '""')}"`;
