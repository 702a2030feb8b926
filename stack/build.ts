/** `npm run build`: builds the page and the configurations of web servers that serve it. */
import { join, relative } from 'node:path'
import { buildClient, clientFolder } from './install/client.ts'
import { writeWebServers } from './web-servers.ts'

const folder = join(clientFolder, '..', 'web')
await buildClient(console.log)
writeWebServers(folder)
const [page, servers] = [clientFolder, folder].map((path) => relative(process.cwd(), path))
console.log(`The page is in ${page}, and a configuration of nginx and one of Caddy in ${servers}.
docs/deployment.md says how to use them.`)
