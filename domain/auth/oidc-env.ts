import * as v from 'valibot'

/** The environment variables that describe the identity provider. */
export const oidcEnv = {
  OIDC_ISSUER: v.pipe(
    v.string(
      'OIDC_ISSUER is missing: set it to a token issuer, such as https://id.example/realms/chat',
    ),
    v.regex(/^https?:\/\/[^/]/, 'OIDC_ISSUER must be a URL that begins with http:// or https://'),
    v.url('OIDC_ISSUER is not a valid URL'),
  ),
  OIDC_INTERNAL_URL: v.pipe(
    v.optional(v.string(), ''),
    v.check(
      (url) => url === '' || (/^https?:\/\/[^/]/.test(url) && URL.canParse(url)),
      'OIDC_INTERNAL_URL must be a URL, such as http://keycloak:8080/realms/nats-chat',
    ),
  ),
  OIDC_CLIENT_IDS: v.pipe(
    v.optional(v.string(), 'nats-chat-app'),
    v.transform((list) =>
      list
        .split(',')
        .map((id) => id.trim())
        .filter(Boolean),
    ),
    v.minLength(1, 'OIDC_CLIENT_IDS is empty: list client ids, separated by commas'),
  ),
}
