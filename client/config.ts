import * as v from 'valibot'

/** Where this installation's parts are: read once, from a file that is served beside the page. */
export interface Config {
  /** Where browsers reach NATS: `wss://…`. */
  natsWebSocket: string
  /** The OpenID provider, as its tokens name it. */
  issuer: string
  clientId: string
}

const Config = v.object({
  natsWebSocket: v.pipe(v.string(), v.regex(/^wss?:\/\//)),
  issuer: v.pipe(v.string(), v.url()),
  clientId: v.string(),
})

/** Reads `/config.json`. Rejects while the server starts, and with what is wrong with the file. */
export async function readConfig(): Promise<Config> {
  const response = await fetch('/config.json')
  if (!response.ok) throw new Error(`/config.json: ${response.status}`)
  return v.parse(Config, await response.json())
}
