import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { expect, onTestFinished } from 'vitest'

export const app = 'http://localhost:3000'

const endpoints = 'protocol/openid-connect'

export type IssuerClient = ReturnType<typeof createClient>

/**
 * Returns a client of an OpenID provider. It sends the same requests as the web app and the command
 * line.
 */
export function createClient(issuer: string) {
  const keys = () => createRemoteJWKSet(new URL(`${issuer}/${endpoints}/certs`))

  const client = {
    browser: () => createBrowser(new URL(issuer).origin),

    get: (path: string, headers = {}) => fetch(`${issuer}/${path}`, { headers }),

    ask(form: Record<string, string | undefined>, headers = {}) {
      const body = new URLSearchParams(given(form))
      return fetch(`${issuer}/${endpoints}/token`, { method: 'POST', body, headers })
    },

    async login(username: string, password = `${username}123`) {
      const who = { client_id: 'natter-cli', username, password }
      return (await client.ask({ grant_type: 'password', ...who })).json()
    },

    refresh: (client_id: string, refresh_token: string) =>
      client.ask({ grant_type: 'refresh_token', client_id, refresh_token }),

    redeem(code: string, code_verifier: string | undefined) {
      const request = { client_id: 'nats-chat-app', redirect_uri: `${app}/callback` }
      return client.ask({ grant_type: 'authorization_code', ...request, code, code_verifier })
    },

    userinfo: (token: string) =>
      client.get(`${endpoints}/userinfo`, { authorization: `Bearer ${token}` }),

    verify: (token: string) => jwtVerify(token, keys(), { issuer, algorithms: ['RS256'] }),

    request(changed: Record<string, string | undefined> = {}) {
      const verifier = randomToken()
      const state = randomToken()
      const nonce = randomToken()
      const query = {
        client_id: 'nats-chat-app',
        response_type: 'code',
        redirect_uri: `${app}/callback`,
        scope: 'openid profile email',
        state,
        nonce,
        code_challenge: createHash('sha256').update(verifier).digest('base64url'),
        code_challenge_method: 'S256',
        ...changed,
      }
      const url = `${issuer}/${endpoints}/auth?${new URLSearchParams(given(query))}`
      return { verifier, state, nonce, url }
    },

    async signIn(username: string) {
      const browser = client.browser()
      const { verifier, url } = client.request()
      const page = await browser.open(url)
      const back = await browser.submit(page, { username, password: `${username}123` })
      return { browser, verifier, code: readCallback(back.location).code }
    },

    async signInForTokens(username: string) {
      const { browser, code, verifier } = await client.signIn(username)
      return { browser, tokens: await (await client.redeem(code, verifier)).json() }
    },
  }
  return client
}

export function readCallback(location = '') {
  const { origin, searchParams } = new URL(location)
  expect(origin).toBe(app)
  return { code: searchParams.get('code') ?? '', state: searchParams.get('state') }
}

export function randomToken() {
  return randomBytes(32).toString('base64url')
}

export async function temporaryFolder() {
  const dir = await mkdtemp(join(tmpdir(), 'natter-issuer-'))
  onTestFinished(() => rm(dir, { recursive: true, force: true }))
  return dir
}

interface Page {
  url: string
  status: number
  headers: Headers
  body: string
  location: string | undefined
}

/** Returns a minimal browser for pages of `home`, with cookies, forms and redirects. */
function createBrowser(home: string) {
  const cookies = new Map<string, { pair: string; path: string }>()

  async function open(address: string, init: RequestInit = {}): Promise<Page> {
    const { pathname } = new URL(address)
    const fitting = [...cookies.values()].filter(({ path }) => pathname.startsWith(path))
    const cookie = fitting.map(({ pair }) => pair).join('; ')
    const response = await fetch(address, { ...init, headers: { cookie }, redirect: 'manual' })
    for (const header of response.headers.getSetCookie()) keep(header)

    const next = response.headers.get('location')
    const target = next ? new URL(next, address) : undefined
    if (target && target.origin === home) return open(target.href)
    const { status, headers } = response
    return { url: address, status, headers, body: await response.text(), location: target?.href }
  }

  function keep(header: string) {
    const [pair = '', ...attributes] = header.split('; ')
    const path = attributes.find((attribute) => attribute.startsWith('path='))?.slice(5) ?? '/'
    const key = `${pair.split('=')[0]} ${path}`
    if (header.includes('expires=Thu, 01 Jan 1970')) cookies.delete(key)
    else cookies.set(key, { pair, path })
  }

  return {
    open,
    submit(page: Page, fields: Record<string, string> = {}) {
      const [, action = ''] = /<form[^>]* action="([^"]*)"/.exec(page.body) ?? []
      const hidden = page.body.matchAll(/type="hidden" name="([^"]*)" value="([^"]*)"/g)
      const values = [...hidden].map(
        ([, name = '', value = '']) => [name, value] as [string, string],
      )
      const body = new URLSearchParams([...values, ...Object.entries(fields)])
      return open(new URL(action, page.url).href, { method: 'POST', body })
    },
  }
}

function given(fields: Record<string, string | undefined>) {
  return Object.entries(fields).filter((field): field is [string, string] => field[1] !== undefined)
}
