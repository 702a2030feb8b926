import { type Client, createPending, openSocket, pageSize, type Target, tokenOf } from './client.ts'

interface Publication {
  offset: number
  data: string
}

interface Reply {
  id?: number
  error?: { message: string }
  push?: { pub?: Publication }
  subscribe?: { offset?: number; epoch: string; recovered?: boolean; publications?: Publication[] }
  history?: { publications?: Publication[] }
}

/** Speaks the JSON protocol of Centrifugo. */
export async function connectCentrifugo(target: Target, user: string): Promise<Client> {
  const pending = createPending<Reply>()
  let onPublication: (publication: Publication) => void = () => {}
  const socket = await openSocket(target.url, (data) => {
    for (const line of data.toString().split('\n')) {
      const reply: Reply = JSON.parse(line)
      if (reply.push?.pub) onPublication(reply.push.pub)
      else if (reply.error) pending.settle(String(reply.id), new Error(reply.error.message))
      else if (reply.id) pending.settle(String(reply.id), reply)
      else if (line === '{}') socket.send('{}')
    }
  })
  const call = (method: string, params: object) => {
    const { id, response } = pending.add()
    socket.send(JSON.stringify({ id: Number(id), [method]: params }))
    return response
  }

  await call('connect', { token: tokenOf(target, user) })
  let position: { offset: number; epoch: string } | undefined
  return {
    position: () => position,
    async follow(channel, onText, since) {
      const early: Publication[] = []
      onPublication = (publication) => early.push(publication)
      const { subscribe } = await call('subscribe', {
        channel,
        ...(since ? { recover: true, ...since } : {}),
      })
      if (!subscribe || (since && !subscribe.recovered))
        throw new Error(`Centrifugo did not recover ${channel}`)
      const { epoch, offset = 0, publications = [] } = subscribe
      const current = { epoch, offset: since ? (since as { offset: number }).offset : offset }
      position = current
      onPublication = ({ offset, data }) => {
        if (offset <= current.offset) return
        current.offset = offset
        onText(data)
      }
      for (const publication of [...publications, ...early]) onPublication(publication)
    },
    send: (channel, data) => call('publish', { channel, data }),
    async readPage(channel) {
      const { history } = await call('history', { channel, limit: pageSize, reverse: true })
      return history?.publications?.length ?? 0
    },
    cut: () => socket.terminate(),
  }
}
