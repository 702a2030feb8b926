/**
 * Replaces the index of @nats-io/nats-core, which is CommonJS. A bundler cannot leave out its unused
 * exports, so the page imports the files of the exports that it uses.
 */
export { nuid } from '@nats-io/nuid'
export { tokenAuthenticator } from '../../../node_modules/@nats-io/nats-core/lib/authenticator.js'
export {
  AuthorizationError,
  UserAuthenticationExpiredError,
} from '../../../node_modules/@nats-io/nats-core/lib/errors.js'
export { headers } from '../../../node_modules/@nats-io/nats-core/lib/headers.js'
export { wsconnect } from '../../../node_modules/@nats-io/nats-core/lib/ws_transport.js'
