import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findNatsServer } from '../../stack/install/nats-server.ts'
import { startProcess } from '../../stack/services/process.ts'
import type { ProcessService } from '../../stack/services/service.ts'

export interface PlainNats extends ProcessService {
  port: number
}

/** Starts a nats-server without nats.conf, by default on a free port. */
export async function startPlainNats(dir: string, config = '', port = -1): Promise<PlainNats> {
  const name = `nats-${crypto.randomUUID()}`
  const file = await findNatsServer()
  const configFile = join(dir, `${name}.conf`)
  const storeDir = JSON.stringify(join(dir, name))
  await writeFile(
    configFile,
    `host: 127.0.0.1, port: ${port}\njetstream { store_dir: ${storeDir} }\n${config}`,
  )
  let listening = port
  const service = await startProcess({
    dir,
    name,
    command: () => ({ file, args: ['-c', configFile], env: process.env }),
    async ready(log, from, signal) {
      await log.line(/Server is ready$/, { from, signal, within: 30_000 })
      const line = await log.line(/Listening for client connections on .*:\d+$/, { from })
      listening = Number(/\d+$/.exec(line)?.[0])
      return `nats://127.0.0.1:${listening}`
    },
  })
  return Object.assign(service, { port: listening })
}
