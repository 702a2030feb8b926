import { assetsPath, realmPath } from './paths.ts'
import { demoUsers } from './users.ts'

export interface SignIn {
  /** The URL that the form is sent to. */
  action: string
  username?: string | undefined
  /** The reason why the last attempt failed. */
  refusal?: string | undefined
}

/** The form that asks for name and password. */
export function signInPage({ action, username = '', refusal }: SignIn): string {
  const alert = refusal
    ? `<p class="refusal" id="refusal" role="alert">${escapeHtml(refusal)}</p>`
    : ''
  const described = refusal ? ' aria-invalid="true" aria-describedby="refusal"' : ''
  const focus = (wanted: boolean) => (wanted ? ' autofocus' : '')
  const input = 'required autocapitalize="none" spellcheck="false"'
  return page(
    'Sign in to Natter',
    `${alert}
      <form method="post" action="${escapeHtml(action)}">
        <label for="username">Name</label>
        <input id="username" name="username" value="${escapeHtml(username)}" autocomplete="username" ${input}${focus(!username)}${described}>
        <label for="password">Password</label>
        <input id="password" name="password" type="password" autocomplete="current-password" ${input}${focus(Boolean(username))}${described}>
        <button type="submit">Sign in</button>
      </form>
      <section aria-labelledby="demo">
        <h2 id="demo">Try it as</h2>
        <table>
          <thead><tr><th scope="col">Name</th><th scope="col">Password</th><th scope="col">Roles</th></tr></thead>
          <tbody>${demoUsers.map(demoRow).join('')}</tbody>
        </table>
      </section>`,
  )
}

/**
 * Asks for confirmation of the sign-out. `form` is oidc-provider's, to be sent with `logout`. If the app
 * has named the user (`isAsked`), a script sends it at once.
 */
export function signOutPage(form: string, isAsked: boolean): string {
  const script = isAsked ? `<script src="${realmPath}${assetsPath}/submit.js" defer></script>` : ''
  return page(
    'Sign out of Natter',
    `${form}
      <button type="submit" form="op.logoutForm" name="logout" value="yes" autofocus>Sign out</button>
      ${script}`,
  )
}

export function signedOutPage(): string {
  return page('You are signed out', '<p>You can close this page.</p>')
}

export function errorPage(description: string): string {
  return page(
    'That did not work',
    `<p class="refusal" role="alert">${escapeHtml(description)}</p>
      <p>Go back to the app and sign in again.</p>`,
  )
}

function demoRow({ username, password, roles }: (typeof demoUsers)[number]) {
  const cells = [`<code>${username}</code>`, `<code>${password}</code>`, roles.join(', ') || 'none']
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
