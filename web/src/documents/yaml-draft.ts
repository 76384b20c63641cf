import { useState } from 'react';
import { parse, stringify } from 'yaml';
import { useTexts } from '../texts/texts.ts';
import type { Body } from './document-kind.ts';

export interface YamlDraft {
  readonly body: Body;
  readonly setBody: (body: Body) => void;
  readonly yaml: string;
  readonly setYaml: (yaml: string) => void;
  /** Why the text cannot be read; null when it can. */
  readonly wrong: string | null;
}

/** Fields and text of the same: either is written, the other follows. Text that cannot be read leaves the fields as they are. */
export function useYamlDraft(first: Body): YamlDraft {
  const t = useTexts();
  const [body, setBody] = useState<Body>(first);
  const [yaml, setYaml] = useState(() => stringify(body));
  const [wrong, setWrong] = useState<string | null>(null);
  return {
    ...{ body, yaml, wrong },
    setBody(next) {
      setBody(next);
      setYaml(stringify(next));
      setWrong(null);
    },
    setYaml(text) {
      setYaml(text);
      try {
        const next: unknown = parse(text);
        const isBody = typeof next === 'object' && next !== null && !Array.isArray(next);
        if (isBody) setBody(next as Body);
        setWrong(isBody ? null : t('document.notYaml'));
      } catch (error) {
        setWrong((error as Error).message);
      }
    },
  };
}
