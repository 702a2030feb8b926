/** Where this installation's parts are: read once, from a file that is served beside the page. */
export interface Config {
  /** Where browsers reach NATS: `wss://…`. */
  natsWebSocket: string
  /** The OpenID provider, as its tokens name it. */
  issuer: string
  clientId: string
}

/** Reads `/config.json`. Rejects while the server starts, and with what is wrong with the file. */
export async function readPageConfig(): Promise<Config> {
  const response = await fetch('/config.json')
  if (!response.ok) throw new Error(`/config.json: ${response.status}`)
  const config = await response.json()
  const wrong = Object.entries(forms).filter(
    ([name, form]) => !form.test(String(config[name] ?? '')),
  )
  if (wrong.length === 0) return config
  throw new Error(`/config.json: ${wrong.map(([name, form]) => `${name} must be like ${form}`)}`)
}

/** By hand: nothing else that a page loads first checks anything. */
const forms: Record<keyof Config, RegExp> = {
  natsWebSocket: /^wss?:\/\/./,
  issuer: /^https?:\/\/./,
  clientId: /./,
}
