import type { Client } from '#runtime/client'
import { contracts } from '#schema/contracts'
import { appAction } from '#schema/messages/app'

export const pageContracts = { ...contracts, 'app.action': appAction }

/** Calls functions over NATS, typed by the contracts of all functions and of the actions of apps. */
export type ChatClient = Client<typeof pageContracts>
