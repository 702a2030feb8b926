// The command of the service `demo`: enables the demo users of the realm, whose passwords are public. With the
// argument `disable`, disables them.
import { readFileSync } from 'node:fs'

const keycloak = 'https://keycloak:8443/auth'
const users = `${keycloak}/admin/realms/nats-chat/users`
const names = ['alice', 'bob', 'charlie']

const enabled = process.argv[2] !== 'disable'
const authorization = await logIn()
for (const name of names) {
  const found = await request(`${users}?exact=true&username=${name}`, {
    headers: { authorization },
  })
  const [user] = await found.json()
  if (!user) throw new Error(`The realm nats-chat has no user ${name}`)
  await request(`${users}/${user.id}`, {
    method: 'PUT',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify({ ...user, enabled }),
  })
}
console.log(`${enabled ? 'enabled' : 'disabled'} ${names.join(', ')}`)

async function logIn() {
  const password = readFileSync('/run/secrets/KC_BOOTSTRAP_ADMIN_PASSWORD', 'utf8').trim()
  const form = { grant_type: 'password', client_id: 'admin-cli', username: 'admin', password }
  const url = `${keycloak}/realms/master/protocol/openid-connect/token`
  const answer = await request(url, { method: 'POST', body: new URLSearchParams(form) })
  return `Bearer ${(await answer.json()).access_token}`
}

/** Throws an error if the answer is not a success. */
async function request(url, options) {
  const answer = await fetch(url, options)
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${await answer.text()}`)
  return answer
}
