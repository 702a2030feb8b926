import * as app from './messages/app.ts'
import * as block from './messages/block.ts'
import * as chat from './messages/chat.ts'
import * as consoles from './messages/console.ts'
import * as deactivation from './messages/deactivation.ts'
import * as encrypted from './messages/encrypted.ts'
import * as log from './messages/event.ts'
import * as member from './messages/member.ts'
import * as prefs from './messages/prefs.ts'
import * as presence from './messages/presence.ts'
import * as room from './messages/room.ts'
import * as thread from './messages/thread.ts'
import * as trace from './messages/trace.ts'
import * as translate from './messages/translate.ts'
import * as user from './messages/user.ts'

export const contracts = {
  'admin.deactivate': deactivation.adminDeactivate,
  'admin.reactivate': deactivation.adminReactivate,
  'admin.role': member.adminRole,
  'apps.install': app.appsInstall,
  'apps.list': app.appsList,
  'apps.remove': app.appsRemove,
  'apps.room': app.appsRoom,
  'apps.uninstall': app.appsUninstall,
  'chat.history': chat.chatHistory,
  'chat.history.thread': chat.chatHistoryThread,
  'chat.sync': chat.chatSync,
  'console.dead': consoles.consoleDead,
  'console.discard': consoles.consoleDiscard,
  'console.replay': consoles.consoleReplay,
  'console.service': consoles.consoleService,
  'console.services': consoles.consoleServices,
  'console.traces': consoles.consoleTraces,
  'mention.find': thread.mentionFind,
  'msg.delete': chat.msgDelete,
  'msg.edit': chat.msgEdit,
  'msg.find': chat.msgFind,
  'msg.get': chat.msgGet,
  'msg.react': chat.msgReact,
  'msg.trace': consoles.msgTrace,
  'msg.versions': chat.msgVersions,
  'prefs.get': prefs.prefsGet,
  'prefs.set': prefs.prefsSet,
  'presence.disconnect': presence.presenceDisconnect,
  'presence.heartbeat': presence.presenceHeartbeat,
  'presence.room': presence.presenceRoom,
  'presence.update': presence.presenceUpdate,
  'read.update': room.readUpdate,
  'read.update.thread': thread.readUpdateThread,
  'room.archive': room.roomArchive,
  'room.archived': room.roomArchived,
  'room.bans': member.roomBans,
  'room.browse': room.roomBrowse,
  'room.create': room.roomCreate,
  'room.decline': member.roomDecline,
  'room.direct': room.roomDirect,
  'room.info': room.roomInfo,
  'room.invitations': member.roomInvitations,
  'room.invite': member.roomInvite,
  'room.join': member.roomJoin,
  'room.kick': member.roomKick,
  'room.keys': room.roomKeys,
  'room.leave': member.roomLeave,
  'room.list': room.roomList,
  'room.members': member.roomMembers,
  'room.rename': room.roomRename,
  'room.role': member.roomRole,
  'room.unban': member.roomUnban,
  send: chat.send,
  'send.thread': chat.sendThread,
  'thread.list': thread.threadList,
  'trace.report': trace.traceReport,
  'translate.cancel': translate.translateCancel,
  'translate.ping': translate.translatePing,
  'translate.request': translate.translateRequest,
  'translate.run': translate.translateRun,
  typing: presence.typing,
  'user.block': block.userBlock,
  'user.unblock': block.userUnblock,
  'users.id': user.usersId,
  'users.me': user.usersMe,
  'users.names': user.usersNames,
  'users.search': user.usersSearch,
} as const

/**
 * All topics. Functions publish to all of them except `logRoom` and `logThread`, to which
 * nats-server republishes the events that it has stored.
 */
export const topics = {
  appUpdated: app.appUpdated,
  chatRoom: log.chatRoom,
  chatThread: log.chatThread,
  connectionClosed: user.connectionClosed,
  connectionOpened: user.connectionOpened,
  deliverAppInstalled: app.deliverAppInstalled,
  deliverAppUpdated: app.deliverAppUpdated,
  deliverInvitation: member.deliverInvitation,
  deliverNotify: log.deliverNotify,
  deliverPrefs: prefs.deliverPrefs,
  deliverPresence: presence.deliverPresence,
  deliverRead: room.deliverRead,
  deliverReadThread: thread.deliverReadThread,
  deliverRoomKey: encrypted.deliverRoomKey,
  deliverRejected: chat.deliverRejected,
  deliverTranslation: translate.deliverTranslation,
  deliverTyping: presence.deliverTyping,
  logRoom: log.logRoom,
  logThread: log.logThread,
  messageChanged: log.messageChanged,
  presenceChanged: presence.presenceChanged,
  roomChanged: member.roomChanged,
  roomEncrypted: encrypted.roomEncrypted,
  roomNotify: log.roomNotify,
  roomPresence: presence.roomPresence,
  roomTyping: presence.roomTyping,
  translationCancelled: translate.translationCancelled,
  translationFailed: translate.translationFailed,
  translationJoined: translate.translationJoined,
  translationProbed: translate.translationProbed,
  userSeen: user.userSeen,
} as const
