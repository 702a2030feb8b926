import type { FindOptions } from './cache.ts'
import { findProgram } from './program.ts'

export function findNginx(options?: FindOptions): Promise<string> {
  return findProgram(
    { title: 'nginx', variable: 'NATTER_TEST_NGINX', names: ['nginx'], packages: ['nginx-light'] },
    options,
  )
}

export function findCaddy(options?: FindOptions): Promise<string> {
  return findProgram(
    { title: 'Caddy', variable: 'NATTER_TEST_CADDY', names: ['caddy'], packages: ['caddy'] },
    options,
  )
}
