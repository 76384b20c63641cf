/** Texts of one part of the page, both languages side by side; a key that one of them lacks does not compile. */
export const area = <K extends string>(texts: {
  readonly en: Readonly<Record<K, string>>;
  readonly de: Readonly<Record<NoInfer<K>, string>>;
}) => texts;
