// Fills in where this stack's parts are: they differ from one start to the next when a port is taken.
const status = document.querySelector('#status')

try {
  const response = await fetch('/config.json')
  if (!response.ok) throw new Error(`/config.json answered ${response.status}`)
  const config = await response.json()
  for (const element of document.querySelectorAll('[data-of]')) {
    element.textContent = config[element.dataset.of]
  }
  document.querySelector('a[data-of="issuer"]').href =
    `${config.issuer}/.well-known/openid-configuration`
  say('ready', 'The stack is up.')
} catch (error) {
  say('failed', `The stack is not up (${error.message}). Load this page again in a moment.`)
}

function say(what, text) {
  status.dataset.is = what
  status.textContent = text
}
