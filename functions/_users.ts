import { sql } from 'drizzle-orm'
import { users } from '#schema/tables/user'

/** What somebody is called: what they chose, or else what the identity provider says. */
export const shownName = sql<string>`coalesce(${users.chosenName}, ${users.name})`
export const shownUser = { userId: users.id, name: shownName }
