/**
 * The part of `ws` that the driver uses. The published types of `ws` would install a second version of
 * Node's types.
 */
declare module 'ws' {
  export default class WebSocket {
    constructor(url: string, protocol?: string)
    on(event: 'message', listener: (data: Buffer) => void): this
    on(event: 'open' | 'close', listener: () => void): this
    on(event: 'error', listener: (error: Error) => void): this
    send(data: string | Buffer): void
    terminate(): void
  }
}
