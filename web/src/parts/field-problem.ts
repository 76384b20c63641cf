import { fieldProblem } from '../api/client.ts';
import { useSaid } from '../texts/server-words.ts';

/** What is wrong with a field of what was sent, in the language of the page; null when it is not that. */
export function useFieldProblem(): typeof fieldProblem {
  const said = useSaid();
  return (error, ...names) => {
    const message = fieldProblem(error, ...names);
    return message === null ? null : said.part(message);
  };
}
