import type { Client } from '#runtime/client'
import type { contracts } from '#schema/contracts'

/** The NATS client for calls to functions, typed by the contracts of all functions. */
export type ChatClient = Client<typeof contracts>
