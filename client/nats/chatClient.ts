import type { Client } from '#runtime/client'
import type { contracts } from '#schema/contracts'

/** The NATS client, typed by the contracts of all functions. */
export type ChatClient = Client<typeof contracts>
