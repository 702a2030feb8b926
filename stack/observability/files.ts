import { createAlerts } from './alerts.ts'
import { createDashboards, formatDashboard } from './dashboards.ts'
import type { FunctionGroups } from './functions.ts'
import { formatRules } from './rules.ts'

/**
 * The address of the runbooks to which the alerts link by default. It is a relative path, because
 * the address of the repository is not known.
 */
export const defaultRunbooks = 'docs/runbooks.md'

/** Returns the files of the alerts and dashboards: the content of each file by its path. */
export function createFiles(
  functions: FunctionGroups,
  runbooks = defaultRunbooks,
): Map<string, string> {
  return new Map([
    ['natter.rules.yml', formatRules(createAlerts(functions), runbooks)],
    ...createDashboards(functions).map(
      (dashboard) => [`dashboards/${dashboard.uid}.json`, formatDashboard(dashboard)] as const,
    ),
  ])
}
