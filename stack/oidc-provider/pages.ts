import { assetsPath, realmPath } from './paths.ts'
import { demoUsers } from './users.ts'

export interface SignIn {
  action: string
  username?: string | undefined
  refusal?: string | undefined
}

export function signInPage({ action, username = '', refusal }: SignIn): string {
  const alert = refusal
    ? `<p class="refusal" id="refusal" role="alert">${escapeHtml(refusal)}</p>`
    : ''
  const described = refusal ? ' aria-invalid="true" aria-describedby="refusal"' : ''
  const focus = (isFocused: boolean) => (isFocused ? ' autofocus' : '')
  const input = 'required autocapitalize="none" spellcheck="false"'
  return page(
    'Log in to Natter',
    `${alert}
      <form method="post" action="${escapeHtml(action)}">
        <label for="username">Name</label>
        <input id="username" name="username" value="${escapeHtml(username)}" autocomplete="username" ${input}${focus(!username)}${described}>
        <label for="password">Password</label>
        <input id="password" name="password" type="password" autocomplete="current-password" ${input}${focus(Boolean(username))}${described}>
        <button type="submit">Log in</button>
      </form>
      <section aria-labelledby="demo">
        <h2 id="demo">Demo accounts</h2>
        <table>
          <thead><tr><th scope="col">Name</th><th scope="col">Password</th><th scope="col">Roles</th></tr></thead>
          <tbody>${demoUsers.map(demoRow).join('')}</tbody>
        </table>
      </section>`,
  )
}

/**
 * Returns a page that asks the user to confirm the logout. oidc-provider creates the `form`. If the
 * app requested the logout of this session (`isRequested`), a script submits the form without a
 * click.
 */
export function signOutPage(form: string, isRequested: boolean): string {
  const script = isRequested
    ? `<script src="${realmPath}${assetsPath}/submit.js" defer></script>`
    : ''
  return page(
    'Log out of Natter',
    `${form}
      <button type="submit" form="op.logoutForm" name="logout" value="yes" autofocus>Log out</button>
      ${script}`,
  )
}

export function signedOutPage(): string {
  return page('You’re logged out', '<p>You can close this page.</p>')
}

export function errorPage(description: string): string {
  return page(
    'Something went wrong',
    `<p class="refusal" role="alert">${escapeHtml(description)}</p>
      <p>Go back to Natter and log in again.</p>`,
  )
}

function demoRow({ username, password, roles }: (typeof demoUsers)[number]) {
  const cells = [`<code>${username}</code>`, `<code>${password}</code>`, roles.join(', ') || 'None']
  return `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`
}

function page(title: string, content: string) {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>${title}</title>
    <link rel="stylesheet" href="${realmPath}${assetsPath}/style.css">
  </head>
  <body>
    <main>
      <h1>${title}</h1>
      ${content}
    </main>
  </body>
</html>
`
}

const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escapeHtml(text: string) {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? '')
}
