import { migrateApps, setUpApps } from '#domain/apps/setup'

export const migrate = migrateApps(import.meta.dirname)
export default setUpApps(import.meta.dirname)
