import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { PageOptions } from '../stack.ts'
import { appFilePath } from './page-rules.ts'
import type { StackService } from './service.ts'

const root = join(import.meta.dirname, '..', '..')
export const devComponents = join(root, 'dist', 'dev', 'apps')

/**
 * A service worker that deletes the browser's cache of this origin. An earlier `npm start` on the
 * same port may have filled this cache, and the browser would load the old page from it.
 */
const emptyWorker = `
self.addEventListener('install', () => self.skipWaiting())
self.addEventListener('activate', (event) => event.waitUntil(clear()))
async function clear() {
  for (const name of await caches.keys()) await caches.delete(name)
  await self.registration.unregister()
  for (const client of await self.clients.matchAll()) client.navigate(client.url)
}
`

export async function startVite({ port, config }: PageOptions): Promise<StackService> {
  const { createServer } = await import('vite')
  const server = await createServer({
    configFile: join(root, 'client', 'vite.config.ts'),
    clearScreen: false,
    logLevel: 'warn',
    server: {
      host: '127.0.0.1',
      strictPort: port !== undefined,
      ...(port === undefined ? {} : { port }),
      fs: { allow: [root] },
    },
    plugins: [
      {
        name: 'natter-config',
        configureServer({ middlewares }) {
          middlewares.use('/config.json', (_request, response) => {
            const page = config()
            response.statusCode = page ? 200 : 503
            response.setHeader('content-type', 'application/json')
            response.end(JSON.stringify(page ?? { ready: false }))
          })
          middlewares.use((request, response, next) => {
            const path = request.url ?? ''
            if (!appFilePath.test(path)) return next()
            readFile(join(devComponents, path.slice('/apps/'.length))).then((content) => {
              response.setHeader('content-type', 'text/javascript')
              response.setHeader('access-control-allow-origin', '*')
              response.end(content)
            }, next)
          })
          middlewares.use('/worker.js', (_request, response) => {
            response.setHeader('content-type', 'text/javascript')
            response.end(emptyWorker)
          })
        },
      },
    ],
  })
  await server.listen()
  const address = server.httpServer?.address()
  const actualPort = typeof address === 'object' ? address?.port : port
  const stop = () => server.close()
  return { name: 'web', url: `http://localhost:${actualPort}`, stop, [Symbol.asyncDispose]: stop }
}
