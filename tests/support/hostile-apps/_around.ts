export { appGuard as default } from '#domain/apps/guard'
