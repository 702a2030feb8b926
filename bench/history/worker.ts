import type { RoomId } from '../../schema/ids.ts'
import { type LoopOptions, loop } from '../loop.ts'
import { serveParent, usedCpu } from '../worker.ts'
import { type PageRequest, type Reader, type ReaderName, readers } from './readers.ts'

export interface OpenOptions {
  name: ReaderName
  url: string
  roomCount: number
  messageCount: number
  /**
   * Smallest sequence number before which a history page is requested. It is so high that enough
   * messages precede it to fill the page.
   */
  minBefore: number
}

const limit = 50

let read: Reader
let createRequest: () => PageRequest

serveParent({
  open({ name, url, roomCount, messageCount, minBefore }: OpenOptions) {
    read = readers[name](url)
    const random = (low: number, high: number) => low + Math.floor(Math.random() * (high - low))
    createRequest = () => ({
      // A third of the random numbers is negative: those requests are for `room-0`.
      room: `room-${Math.max(0, random(-roomCount / 2, roomCount))}` as RoomId,
      before: random(minBefore, messageCount),
      limit,
    })
  },
  read: (request: PageRequest) => read(request),
  run: (options: LoopOptions) => loop(options, () => read(createRequest())),
  cpu: usedCpu,
})
