import { readFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { errors, type Provider } from 'oidc-provider'
import type { Middleware } from './headers.ts'
import { errorPage, signInPage } from './pages.ts'
import { assetsPath, realmPath, signInPath } from './paths.ts'
import { TooManyAttempts } from './throttle.ts'
import type { Users } from './users.ts'

const maxFormBytes = 16 * 1024

const assets: Record<string, { type: string; content: string }> = {
  [`${assetsPath}/style.css`]: { type: 'text/css', content: readAsset('style.css') },
  [`${assetsPath}/submit.js`]: { type: 'text/javascript', content: readAsset('submit.js') },
}

/**
 * Serves the sign-in page and its assets. A sign-in is identified by the id in the path, together
 * with a cookie of the browser that began it.
 */
export function signInRoutes(provider: Provider, users: Users): Middleware {
  return async (ctx, next) => {
    const asset = assets[ctx.path]
    if (asset) {
      ctx.type = asset.type
      ctx.body = asset.content
      return
    }
    if (!ctx.path.startsWith(`${signInPath}/`)) return next()
    ctx.set('cache-control', 'no-store')
    try {
      if (ctx.method === 'GET') return await show(ctx)
      if (ctx.method === 'POST') return await check(ctx)
      ctx.status = 405
    } catch (error) {
      if (!(error instanceof errors.SessionNotFound)) throw error
      ctx.status = 400
      ctx.body = errorPage('This sign-in has expired, or was begun in another browser.')
    }
  }

  async function show(ctx: Context) {
    const { prompt, params } = await provider.interactionDetails(ctx.req, ctx.res)
    // The only prompt other than `login` asks for consent. This grants it without asking the user,
    // because all clients belong to this project.
    if (prompt.name !== 'login') return finish(ctx, { consent: {} })
    const { login_hint: username } = params
    ctx.body = signInPage({
      action: realmPath + ctx.path,
      username: typeof username === 'string' ? username : undefined,
    })
  }

  async function check(ctx: Context) {
    await provider.interactionDetails(ctx.req, ctx.res)
    const form = await readForm(ctx.req)
    const username = form?.get('username') ?? ''
    const refuse = (status: number, refusal: string) => {
      ctx.status = status
      ctx.body = signInPage({ action: realmPath + ctx.path, username, refusal })
    }
    try {
      const user = users.signIn(username, form?.get('password') ?? '')
      if (!user) return refuse(401, 'Incorrect name or password.')
      return await finish(ctx, { login: { accountId: user.sub } })
    } catch (error) {
      if (!(error instanceof TooManyAttempts)) throw error
      ctx.set('retry-after', String(error.retryAfterSeconds))
      refuse(429, error.message)
    }
  }

  async function finish(ctx: Context, result: Parameters<Provider['interactionResult']>[2]) {
    ctx.status = 303
    ctx.redirect(await provider.interactionResult(ctx.req, ctx.res, result))
  }
}

type Context = Parameters<Middleware>[0]

async function readForm(request: IncomingMessage): Promise<URLSearchParams | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    size += chunk.length
    if (size > maxFormBytes) return undefined
    chunks.push(chunk)
  }
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'))
}

function readAsset(name: string) {
  return readFileSync(join(import.meta.dirname, name), 'utf8')
}
