import type { FastifySchemaCompiler } from 'fastify';
import type { z } from 'zod';
import { problemsOfIssue } from '../../contracts/issue-problems.ts';
import { RequestProblem } from './problem.ts';

/** Checks what came with a request. What is wrong with it is a `RequestProblem` that names every field. */
export const validatorCompiler: FastifySchemaCompiler<z.ZodType> =
  ({ schema }) =>
  (data) => {
    const result = schema.safeParse(data);
    return result.success ? { value: result.data } : { error: requestProblem(result.error, data) };
  };

/** In the words of the configuration file. Which fields there are besides is told by the description of the interface. */
export function requestProblem(error: z.ZodError, value: unknown): RequestProblem {
  return new RequestProblem(
    error.issues
      .flatMap((issue) => problemsOfIssue(issue, value, () => []))
      .map(({ path, message }) => ({ field: path.join('.'), message })),
  );
}
