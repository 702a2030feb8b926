import type { Client } from '#runtime/client'
import type { contracts } from '#schema/contracts'

/** Calls functions over NATS, typed by the contracts of all functions. */
export type ChatClient = Client<typeof contracts>
