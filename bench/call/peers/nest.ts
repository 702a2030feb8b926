import 'reflect-metadata'
import { Controller, Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { ClientProxyFactory, MessagePattern, Transport } from '@nestjs/microservices'
import { firstValueFrom } from 'rxjs'
import type { Note, Peer } from '../peer.ts'

const pattern = 'nest.echo'

/** NestJS over NATS, as it comes. */
export const nest: Peer = {
  async respond(url) {
    const app = await NestFactory.createMicroservice(App, { ...optionsFor(url), logger: false })
    await app.listen()
  },
  async connect(url) {
    const client = ClientProxyFactory.create(optionsFor(url))
    await client.connect()
    return (note) => firstValueFrom(client.send(pattern, note))
  },
}

class Echo {
  say(note: Note) {
    return note
  }
}

class App {}

// Node strips types and knows no decorators: applied by hand they are plain functions.
const say = Object.getOwnPropertyDescriptor(Echo.prototype, 'say')
if (say) MessagePattern(pattern)(Echo.prototype, 'say', say)
Controller()(Echo)
Module({ controllers: [Echo] })(App)

function optionsFor(url: string) {
  const { host, username, password } = new URL(url)
  return {
    transport: Transport.NATS as const,
    options: { servers: [host], user: username, pass: password },
  }
}
