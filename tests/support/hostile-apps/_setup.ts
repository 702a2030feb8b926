import { setUpApps } from '#domain/apps/setup'

export default setUpApps(import.meta.dirname)
