/** `npm run build`: builds the page, configurations of web servers that serve it, and the list of packages. */
import { join, relative } from 'node:path'
import { buildClient, clientFolder } from './install/client.ts'
import { writeSbom } from './sbom.ts'
import { writeWebServers } from './web-servers.ts'

const folder = join(clientFolder, '..', 'web')
const sbom = join(clientFolder, '..', 'sbom.json')
await buildClient(console.log)
writeWebServers(folder)
await writeSbom(sbom)
const [page, servers, list] = [clientFolder, folder, sbom].map((path) =>
  relative(process.cwd(), path),
)
console.log(`The page is in ${page}, and a configuration of nginx and one of Caddy in ${servers}.
docs/deployment.md says how to use them. ${list} lists all packages (CycloneDX).`)
