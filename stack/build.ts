/** `npm run build`: builds the page into dist/client, which any web server can serve. */
import { relative } from 'node:path'
import { buildClient, clientFolder } from './install/client.ts'

await buildClient(console.log)
console.log(`The page is in ${relative(process.cwd(), clientFolder)}.
A web server that serves it must answer
  /config.json                 with { "natsWebSocket": "wss://…", "issuer": "https://…", "clientId": "nats-chat-app" }
  /callback, /console, /r/…    with index.html
  /apps/…                      with access-control-allow-origin: *
docs/contributing.md, "Build the page", has an example.`)
