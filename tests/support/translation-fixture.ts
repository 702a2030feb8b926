import { afterAll, beforeAll, inject } from 'vitest'
import { closeDb } from '#schema/db'
import type { RoomId } from '#schema/ids'
import { type NotifyId, toNotifyId } from '#schema/ids'
import { deliverTranslation, type TranslationPiece } from '#schema/messages/translate'
import { type App, createApp, type Mailbox, type TestPerson } from './app.ts'
import { type FakeOllama, startFakeOllama } from './ollama.ts'
import { type Servers, startServers } from './servers.ts'

export interface TranslationFixture {
  app: App
  servers: Servers
  ollama: FakeOllama
  /** Sends a message, and returns its notify id. `request` needs the id. */
  send(room: RoomId, text: string, as?: TestPerson): Promise<NotifyId>
  request(
    notifyId: NotifyId,
    as: TestPerson,
    options?: { targetLang?: string; skip?: string[] },
  ): Promise<{ msgKey: string; state: string }>
  listen(as: TestPerson): Promise<Mailbox<TranslationPiece>>
  piecesOf(box: Mailbox<TranslationPiece>, msgKey: string): Promise<TranslationPiece[]>
}

/** Starts two runtimes and a fake Ollama. `settings` can make the runtimes use another engine. */
export function useTranslation(
  settings: () => Promise<Record<string, string>> = async () => ({}),
): TranslationFixture {
  const fixture = {} as TranslationFixture
  beforeAll(async () => {
    const ollama = await startFakeOllama()
    const env = {
      OLLAMA_URL: ollama.url,
      OLLAMA_MODEL: 'test-model',
      APERTIUM_MODES: '/nonexistent',
      ...(await settings()),
    }
    const servers = await startServers(inject('servers').database, env)
    await servers.startAnother('other')
    process.env.DATABASE_URL = servers.urls.databaseUrl
    const app = createApp(servers.urls)
    Object.assign(fixture, { ollama, servers, app, send, request, listen, piecesOf })

    async function send(room: RoomId, text: string, as: TestPerson = 'alice') {
      return toNotifyId(await app.send(room, text, as))
    }
    async function request(
      notifyId: NotifyId,
      as: TestPerson,
      { targetLang = 'es', ...options }: { targetLang?: string; skip?: string[] } = {},
    ) {
      const msgKey = crypto.randomUUID()
      const answer = await app.call(
        'translate.request',
        { notifyId, targetLang, msgKey, ...options },
        as,
      )
      return { msgKey, ...answer }
    }
    function listen(as: TestPerson) {
      return app.listen(deliverTranslation, { user: as }, as)
    }
  })
  afterAll(async () => {
    await fixture.app?.[Symbol.asyncDispose]()
    await closeDb()
    await fixture.servers?.[Symbol.asyncDispose]()
    await fixture.ollama?.[Symbol.asyncDispose]()
  })
  return fixture
}

async function piecesOf(box: Mailbox<TranslationPiece>, msgKey: string) {
  const all = await box.until((piece) => piece.msgKey === msgKey && piece.done)
  return all.filter((piece) => piece.msgKey === msgKey)
}

/** Returns the text of all pieces. Throws if a piece is missing. */
export function joinPieces(pieces: readonly TranslationPiece[]): string {
  return pieces.reduce((text, { offset, translatedText }) => {
    if (offset !== text.length) throw new Error(`A piece is missing before ${translatedText}`)
    return text + translatedText
  }, '')
}
