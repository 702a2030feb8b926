export interface Tokens {
  access_token: string
  refresh_token: string
  id_token: string
}

export async function fetchTokens(
  issuer: string,
  client_id: string,
  login: { username: string; password: string },
): Promise<Tokens> {
  const response = await fetch(`${issuer}/protocol/openid-connect/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'password',
      scope: 'openid profile',
      client_id,
      ...login,
    }),
  })
  if (!response.ok)
    throw new Error(`${issuer} issued no token to ${login.username}: ${await response.text()}`)
  return (await response.json()) as Tokens
}

export async function fetchAccessToken(issuer: string, username: string): Promise<string> {
  const login = { username, password: `${username}123` }
  return (await fetchTokens(issuer, 'natter-cli', login)).access_token
}
