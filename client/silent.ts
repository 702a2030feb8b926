import { UserManager } from 'oidc-client-ts'

// The frame of a silent login: hands what the provider said to the page around it.
await new UserManager({ authority: '', client_id: '', redirect_uri: '' }).signinSilentCallback()
