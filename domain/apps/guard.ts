import * as v from 'valibot'
import { type Context, defineAround, FunctionError } from '#runtime'
import { RoomId } from '#schema/ids'
import { AppId } from '#schema/messages/app'
import { ROOMS_KV } from '#schema/streams'
import { findMember, type Member } from '../rooms/member.ts'
import { isInstalled } from './registry.ts'

const Input = v.object({ room: RoomId })

const admitted = new WeakMap<Context, Member>()

/**
 * Runs an action of an app only if its caller is a member of the room and the app is installed
 * there. The file `_around.ts` of each folder with apps exports it.
 */
export const appGuard = defineAround(
  async ({ function: { name }, input, context }, next) => {
    const app = v.parse(AppId, name.split('.')[1])
    const { room } = v.parse(Input, input)
    const [member, isInstalledHere] = await Promise.all([
      findMember(room, context),
      isInstalled(app, room),
    ])
    if (!member || !isInstalledHere) throw notUsable(app, room)
    admitted.set(context, member)
    return next()
  },
  { resources: [ROOMS_KV] },
)

/** Returns the caller of an action. Throws if `appGuard` has not admitted the call. */
export function admittedMember(context: Context): Member {
  const member = admitted.get(context)
  if (member) return member
  throw new Error('The call was not admitted: is appGuard the _around.ts of the folder?')
}

/**
 * Returns the error of a call that `appGuard` does not admit. The error is the same whether the
 * room does not exist, the caller is not a member, or the app is not installed. It therefore does
 * not reveal whether the room exists.
 */
export function notUsable(app: AppId, room: RoomId): FunctionError {
  return new FunctionError('forbidden', `You may not use the app ${app} in room ${room}`)
}
