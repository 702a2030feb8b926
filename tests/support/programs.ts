/**
 * Returns whether a program can be found or installed. In CI, throws if it cannot, so that no test
 * is skipped.
 */
export async function canRun(find: () => Promise<string>): Promise<boolean> {
  try {
    await find()
    return true
  } catch (error) {
    if (process.env.CI) throw error
    return false
  }
}
