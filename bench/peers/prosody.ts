import { type Client, createPending, openSocket, pageSize, type Target } from './client.ts'

const framing = 'xmlns="urn:ietf:params:xml:ns:xmpp-framing"'
const muc = 'http://jabber.org/protocol/muc'

/**
 * Speaks XMPP over WebSocket (RFC 7395), where each frame is one stanza. Regular expressions suffice to
 * read the few stanzas that occur.
 */
export async function connectProsody(target: Target, user: string): Promise<Client> {
  const pending = createPending<string>()
  let wait: { pattern: RegExp; resolve: () => void } | undefined
  let onMessage: (stanza: string) => void = () => {}
  const socket = await openSocket(target.url, receive, 'xmpp')

  function receive(data: Buffer) {
    const stanza = data.toString()
    if (wait?.pattern.test(stanza)) wait.resolve()
    if (stanza.startsWith('<message')) return onMessage(stanza)
    if (!stanza.startsWith('<iq') && !/^<presence[^>]* type=['"]error/.test(stanza)) return
    const failure = /type=['"]error/.test(stanza) ? new Error(`Prosody: ${stanza}`) : undefined
    pending.settle(attribute(stanza, 'id'), failure ?? stanza)
  }
  /** Sends a stanza, and waits until the server sends a stanza that matches `pattern`. */
  function exchange(stanza: string, pattern: RegExp) {
    return new Promise<void>((resolve) => {
      wait = { pattern, resolve }
      socket.send(stanza)
    })
  }
  function request(type: 'get' | 'set', to: string, content: string) {
    const { id, response } = pending.add()
    socket.send(`<iq type="${type}" id="${id}" to="${to}" xmlns="jabber:client">${content}</iq>`)
    return response
  }

  const open = `<open ${framing} to="localhost" version="1.0"/>`
  await exchange(open, /<mechanism>PLAIN/)
  const password = Buffer.from(`\0${user}\0${user}`).toString('base64')
  const sasl = 'xmlns="urn:ietf:params:xml:ns:xmpp-sasl"'
  await exchange(`<auth ${sasl} mechanism="PLAIN">${password}</auth>`, /^<success/)
  await exchange(open, /<bind /)
  await request('set', 'localhost', '<bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/>')

  const addressOf = (room: string) => `${room}@rooms.localhost`
  /** Requests a page of the room's archive, and passes each message of the page to `onArchived`. */
  async function readArchive(room: string, page: string, onArchived: (stanza: string) => void) {
    const live = onMessage
    onMessage = (stanza) => (stanza.includes('<result ') ? onArchived(stanza) : live(stanza))
    const set = `<set xmlns="http://jabber.org/protocol/rsm"><max>${pageSize}</max>${page}</set>`
    await request('set', addressOf(room), `<query xmlns="urn:xmpp:mam:2">${set}</query>`)
    onMessage = live
  }

  /** Id of the last message received; empty before the first one. */
  let last = ''
  return {
    position: () => last,
    async follow(room, onText, since) {
      const isOwnPresence = new RegExp(`^<presence[^>]*from=['"]${addressOf(room)}/${user}['"]`)
      const early: string[] = []
      const received = new Set<string>()
      onMessage = (stanza) => early.push(stanza)
      const pass = (id: string, stanza: string) => {
        const [, text] = /<body>([^<]*)<\/body>/.exec(stanza) ?? []
        if (text === undefined || received.has(id)) return
        received.add(id)
        last = id
        if (stanza.includes(`/${user}'`) || stanza.includes(`/${user}"`)) pending.settle(text, text)
        onText(text)
      }
      const join = `<x xmlns="${muc}"><history maxstanzas="0"/></x>`
      await exchange(
        `<presence to="${addressOf(room)}/${user}" xmlns="jabber:client">${join}</presence>`,
        isOwnPresence,
      )
      if (since !== undefined)
        await readArchive(room, since === '' ? '' : `<after>${since}</after>`, (stanza) => {
          pass(attribute(stanza.slice(stanza.indexOf('<result ')), 'id'), stanza)
        })
      onMessage = (stanza) => {
        const stamp = stanza.indexOf('<stanza-id ')
        if (stamp >= 0) pass(attribute(stanza.slice(stamp), 'id'), stanza)
      }
      for (const stanza of early) onMessage(stanza)
    },
    // The room archives a message, and then sends it to all members, including the sender. So the
    // sender's own message is the acknowledgement.
    send(room, text) {
      const { response } = pending.add(text)
      const to = addressOf(room)
      socket.send(
        `<message type="groupchat" to="${to}" xmlns="jabber:client"><body>${text}</body></message>`,
      )
      return response
    },
    async readPage(room) {
      let count = 0
      await readArchive(room, '<before/>', () => count++)
      return count
    },
    cut: () => socket.terminate(),
  }
}

function attribute(stanza: string, name: string): string {
  return new RegExp(` ${name}=['"]([^'"]*)`).exec(stanza)?.[1] ?? ''
}
