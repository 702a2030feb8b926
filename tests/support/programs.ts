/** Returns whether a program can be found or installed. Throws in CI instead: there no test may be skipped. */
export async function canRun(find: () => Promise<string>): Promise<boolean> {
  try {
    await find()
    return true
  } catch (error) {
    if (process.env.CI) throw error
    return false
  }
}
