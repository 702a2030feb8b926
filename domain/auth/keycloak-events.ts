import * as v from 'valibot'
import { type Context, FunctionError } from '#runtime'
import { isUsed, markUsed, readCursor, revokeTokens, writeCursor } from './revocation.ts'

export interface KeycloakOptions {
  issuer: string
  /** URL at which the runtime reaches the realm in Keycloak. */
  internalUrl: string
  clientId: string
  secret: string
}

const AdminEvents = v.array(
  v.object({
    /** Time of the event, in milliseconds since the epoch. */
    time: v.number(),
    operationType: v.string(),
    resourceType: v.string(),
    resourcePath: v.optional(v.string(), ''),
  }),
)
type AdminEvent = v.InferOutput<typeof AdminEvents>[number]
const TokenResponse = v.object({ access_token: v.string(), expires_in: v.number() })

const pageSize = 100
const requestTimeoutMs = 5_000
/** Older events are skipped: the access tokens of that time have expired. */
const maxAgeMs = 24 * 3_600_000
/**
 * Each read begins this long before the last event of the previous read. An event can become
 * visible after a later one, if its transaction commits later.
 */
const overlapMs = 10_000
const resourceTypes = ['USER', 'REALM_ROLE_MAPPING', 'GROUP_MEMBERSHIP']
const operationTypes = ['UPDATE', 'DELETE']

/**
 * Splits the URL of a Keycloak realm into the part before `/realms` and the name of the realm. Returns
 * undefined for any other URL.
 */
export function parseRealm(url: string): { base: string; realm: string } | undefined {
  const [, base, realm] = /^(.+)\/realms\/([^/]+)\/?$/.exec(url) ?? []
  return base === undefined || realm === undefined ? undefined : { base, realm }
}

/**
 * Reads the admin events since the last call, and revokes the tokens of users who were disabled or
 * deleted, or who lost a role or a group. An event that is read again has no further effect.
 */
export async function applyAdminEvents(options: KeycloakOptions, context: Context): Promise<void> {
  const since = Math.max((await readCursor(context)) - overlapMs, Date.now() - maxAgeMs)
  const keycloak = await openAdmin(options, context)
  const { issuer } = options
  let last = since
  for await (const event of readEvents(keycloak, since)) {
    last = Math.max(last, event.time)
    const [, subject] = /^users\/([^/]+)/.exec(event.resourcePath) ?? []
    if (subject === undefined) continue
    const id = `${event.resourceType} ${event.operationType} ${event.resourcePath} ${event.time}`
    if (await isUsed(issuer, id, context)) continue
    if (await endsTokens(event, subject, keycloak)) {
      context.log.info({ subject, event: id }, 'user changed in Keycloak, revoking tokens')
      const issuedAt = Math.floor(event.time / 1_000)
      await revokeTokens({ issuer, subject }, issuedAt, context)
    }
    await markUsed(issuer, id, context)
  }
  await writeCursor(last, context)
}

/**
 * Returns whether the user's tokens must be revoked after an event. Returns true after the loss of
 * any role or group, even if the user has others: the user can log in again at once, with the
 * remaining roles.
 */
async function endsTokens(event: AdminEvent, subject: string, keycloak: Admin): Promise<boolean> {
  if (event.operationType === 'DELETE') return true
  if (event.resourceType !== 'USER' || event.resourcePath !== `users/${subject}`) return false
  const user = await keycloak.get(`/users/${encodeURIComponent(subject)}`)
  return user === undefined || Object(user).enabled === false
}

async function* readEvents(keycloak: Admin, since: number): AsyncGenerator<AdminEvent> {
  for (let first = 0; ; first += pageSize) {
    const query = new URLSearchParams([
      ['dateFrom', String(since)],
      ['direction', 'asc'],
      ['first', String(first)],
      ['max', String(pageSize)],
      ...resourceTypes.map((type) => ['resourceTypes', type]),
      ...operationTypes.map((type) => ['operationTypes', type]),
    ])
    const page = v.parse(AdminEvents, await keycloak.get(`/admin-events?${query}`))
    yield* page
    if (page.length < pageSize) return
  }
}

interface Admin {
  /** Returns undefined if Keycloak answers with status 404. */
  get(path: string): Promise<unknown>
}

async function openAdmin(options: KeycloakOptions, { signal }: Context): Promise<Admin> {
  const { issuer, internalUrl, clientId, secret } = options
  const { base, realm } = parseRealm(internalUrl) ?? {}
  const limit = () => AbortSignal.any([signal, AbortSignal.timeout(requestTimeoutMs)])
  const token = await request(`${internalUrl.replace(/\/$/, '')}/protocol/openid-connect/token`, {
    method: 'POST',
    signal: limit(),
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: clientId,
      client_secret: secret,
    }),
  })
  const { access_token } = v.parse(TokenResponse, await readBody(token, `the client ${clientId}`))
  return {
    async get(path) {
      const response = await request(`${base}/admin/realms/${realm}${path}`, {
        signal: limit(),
        headers: { authorization: `Bearer ${access_token}` },
      })
      if (response.status === 404) return void (await response.body?.cancel())
      const what = `${path.split('?')[0]} to the client ${clientId}, which needs the roles view-events and view-users of realm-management`
      return readBody(response, what)
    },
  }

  async function request(url: string, init: RequestInit): Promise<Response> {
    try {
      return await fetch(url, { redirect: 'error', ...init })
    } catch (cause) {
      throw new FunctionError('unavailable', `cannot reach Keycloak at ${url}: ${cause}`, { cause })
    }
  }

  async function readBody(response: Response, what: string): Promise<unknown> {
    if (response.ok) return response.json()
    await response.body?.cancel()
    const reason = `Keycloak of ${issuer} refuses ${what}: status ${response.status}`
    throw new FunctionError('unavailable', reason)
  }
}
