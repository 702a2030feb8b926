/** The oldest nats-server that Natter runs on: recurring schedules need 2.14. */
export const minServerVersion = '2.14'

export function isSupportedServer(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [minMajor = 0, minMinor = 0] = minServerVersion.split('.').map(Number)
  return major > minMajor || (major === minMajor && minor >= minMinor)
}
