import { checkApps } from '#domain/apps/check'
import { migrateApps, setUpApps } from '#domain/apps/setup'

export const migrate = migrateApps(import.meta.dirname)
export const check = checkApps(import.meta.dirname)
export default setUpApps(import.meta.dirname)
