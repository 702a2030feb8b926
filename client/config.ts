export interface Config {
  /** `wss://…`, or several such URLs, separated by spaces. */
  natsWebSocket: string
  /** URL of the OpenID provider. Equal to the `iss` claim of its tokens. */
  issuer: string
  clientId: string
}

export async function readPageConfig(): Promise<Config> {
  const response = await fetch('/config.json')
  if (!response.ok) throw new Error(`/config.json: ${response.status}`)
  const config = await response.json()
  const invalid = Object.entries(forms).filter(
    ([name, form]) => !form.test(String(config[name] ?? '')),
  )
  if (invalid.length === 0) return config
  throw new Error(`/config.json: ${invalid.map(([name, form]) => `${name} must match ${form}`)}`)
}

/** Regular expressions keep a validation library out of the first load. */
const forms: Record<keyof Config, RegExp> = {
  natsWebSocket: /^wss?:\/\/\S+( +wss?:\/\/\S+)*$/,
  issuer: /^https?:\/\/./,
  clientId: /./,
}
