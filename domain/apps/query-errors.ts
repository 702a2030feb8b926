import { DrizzleQueryError } from 'drizzle-orm'

/**
 * Removes the parameters from the error of a failed query, because errors are logged and parameters may be
 * private texts.
 */
export async function withoutParameters<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof DrizzleQueryError)) throw error
    throw new Error(`Failed query: ${error.query}`, { cause: error.cause })
  }
}
