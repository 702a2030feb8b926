import 'reflect-metadata'
import { Controller, Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { ClientProxyFactory, MessagePattern, Transport } from '@nestjs/microservices'
import { firstValueFrom } from 'rxjs'
import type { Payload, Peer } from '../peer.ts'

const pattern = 'nest.echo'

export const nest: Peer = {
  async respond(url) {
    const app = await NestFactory.createMicroservice(App, { ...optionsFor(url), logger: false })
    await app.listen()
  },
  async connect(url) {
    const client = ClientProxyFactory.create(optionsFor(url))
    await client.connect()
    return (payload) => firstValueFrom(client.send(pattern, payload))
  },
}

class Echo {
  echo(payload: Payload) {
    return payload
  }
}

class App {}

// Calls the decorators as functions, because Node does not support decorator syntax.
const echo = Object.getOwnPropertyDescriptor(Echo.prototype, 'echo')
if (echo) MessagePattern(pattern)(Echo.prototype, 'echo', echo)
Controller()(Echo)
Module({ controllers: [Echo] })(App)

function optionsFor(url: string) {
  const { host, username, password } = new URL(url)
  return {
    transport: Transport.NATS as const,
    options: { servers: [host], user: username, pass: password },
  }
}
