import type { Client } from '#runtime/client'
import { contracts } from '#schema/contracts'
import { appAction } from '#schema/messages/app'

export const pageContracts = { ...contracts, 'app.action': appAction }

export type ChatClient = Client<typeof pageContracts>
