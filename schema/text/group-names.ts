/**
 * `@all` mentions all members of a room, `@here` those who are online. No user can have these
 * names.
 */
export const groupNames = ['all', 'here'] as const
export type GroupName = (typeof groupNames)[number]

export function isGroupName(name: string): name is GroupName {
  return (groupNames as readonly string[]).includes(name)
}

export function isMentioned(mentions: readonly string[], user: string): boolean {
  return mentions.some((mention) => mention === user || isGroupName(mention))
}
