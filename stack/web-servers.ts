import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  appFilePath,
  contentTypes,
  hiddenPath,
  immutable,
  immutablePath,
  pageHeaders,
  pagePath,
  revalidated,
} from './services/page-rules.ts'

/**
 * Writes configurations of nginx and Caddy that serve the page as `npm start` does. The files
 * contain names of environment variables (`${NATS_WS_URL}`), which the web servers replace when
 * they start.
 */
export function writeWebServers(folder: string): void {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'nginx.conf.template'), nginx())
  writeFileSync(join(folder, 'Caddyfile'), caddy())
}

const extensions = Object.keys(contentTypes).map((extension) => extension.slice(1))
const servedPath = `\\.(${extensions.join('|')})$`
const nameOf = (pattern: RegExp) => pattern.source.replaceAll('\\/', '/')

function nginx(): string {
  const headers = pageHeaders({
    pageOrigin: `\${NATTER_WEB_ORIGIN}`,
    natsWebSocket: `\${NATS_WS_URL}`,
    issuerOrigin: '$natter_issuer_origin',
  })
  const types = Object.entries(contentTypes).map(
    ([extension, type]) => `      ${type.split(';')[0]} ${extension.slice(1)};`,
  )
  const withCharset = Object.values(contentTypes)
    .filter((type) => type.endsWith('charset=utf-8'))
    .map((type) => type.split(';')[0])
    // `charset_types` of nginx always includes text/html, and nginx warns if it is named.
    .filter((type) => type !== 'text/html')
  const config = `{"natsWebSocket":"\${NATS_WS_URL}","issuer":"\${OIDC_ISSUER}","clientId":"\${OIDC_CLIENT_ID}"}`
  const errors = [
    ['= /natter-missing', 'internal;', 'types {}', `return 404 "Not found\\n";`],
    ['= /natter-method', 'internal;', 'types {}', `return 405 "Method not allowed\\n";`],
  ]
  const answers = [
    ['= /healthz', 'default_type application/json;', `return 200 '{"ready":true}';`],
    ['= /config.json', 'default_type application/json;', `return 200 '${config}';`],
    ['= /', 'try_files /index.html =404;'],
    [`~ "${nameOf(hiddenPath)}"`, 'return 404;'],
    [`~ "${nameOf(pagePath)}"`, 'try_files /index.html =404;'],
    [`~ "${servedPath}"`, 'try_files $uri =404;'],
  ]
  const isOtherMethod = 'if ($request_method !~ ^(GET|HEAD)$) { return 405; }'
  const locations = [
    ...errors,
    ...answers.map(([path, ...lines]) => [path, isOtherMethod, ...lines]),
  ].map(([path, ...lines]) => [`location ${path} {`, ...lines.map((line) => `  ${line}`), '}'])
  return `# Serves the page of Natter as \`npm start\` does. Written by \`npm run build\`.
#
# A template for envsubst, with these variables:
#   WEB_LISTEN          the parameters of listen, such as 8080 or "443 ssl"
#   WEB_ROOT            folder of the page: the copy of dist/client
#   NATTER_WEB_ORIGIN   origin of the page for browsers, such as https://chat.example.com
#   NATS_WS_URL         URLs of NATS for browsers, separated by spaces, such as wss://chat.example.com/nats
#   OIDC_ISSUER         URL of the OpenID provider, equal to iss in its tokens
#   OIDC_CLIENT_ID      client of the page, such as nats-chat-app
#
# Put certificates, and locations of proxies for NATS and Keycloak, into files natter.d/*.conf beside nginx.conf.

map "\${OIDC_ISSUER}" $natter_issuer_origin {
  "~^(?<natter_origin>https?://[^/]+)" $natter_origin;
}
# With the status, because an error must not be cached.
map "$status $uri" $natter_cache {
  default "${revalidated}";
  "~^(200|206|304) ${nameOf(immutablePath).slice(1)}" "${immutable}";
}
map "$status $uri" $natter_cors {
  default "";
  "~^(200|206|304) ${nameOf(appFilePath).slice(1)}" "*";
}
map $status $natter_allow {
  default "";
  405 "GET, HEAD";
}

server {
  listen \${WEB_LISTEN};
  include natter.d/*.conf;
  root \${WEB_ROOT};
  server_tokens off;

  # The locations are nested, so that headers and rules do not apply to locations in natter.d.
  location / {
    gzip_static on;
    gzip_vary on;
    etag on;
    charset utf-8;
    charset_types ${withCharset.join(' ')};
    default_type text/plain;
    types {
${types.join('\n')}
    }

${Object.entries(headers)
  .map(([name, value]) => `    add_header ${name} "${value}" always;`)
  .join('\n')}
    add_header cache-control $natter_cache always;
    add_header access-control-allow-origin $natter_cors always;
    add_header allow $natter_allow always;

    error_page 403 404 /natter-missing;
    error_page 405 /natter-method;
    ${isOtherMethod}
    return 404;

${locations
  .flat()
  .map((line) => `    ${line}`)
  .join('\n')}
  }
}
`
}

function caddy(): string {
  const headers = pageHeaders({
    pageOrigin: '{$NATTER_WEB_ORIGIN}',
    natsWebSocket: '{$NATS_WS_URL}',
    issuerOrigin: '{natter_issuer_origin}',
  })
  const types = Object.entries(contentTypes).map(
    ([extension, type]) =>
      `\t@${extension.slice(1)} path *${extension}\n\theader @${extension.slice(1)} content-type "${type}"`,
  )
  return `# Serves the page of Natter as \`npm start\` does. Written by \`npm run build\`. Reads these variables:
#   NATTER_WEB_ORIGIN   origin of the page for browsers, such as https://chat.example.com
#   NATS_WS_URL         URLs of NATS for browsers, separated by spaces, such as wss://chat.example.com/nats
#   OIDC_ISSUER         URL of the OpenID provider, equal to iss in its tokens
#   OIDC_CLIENT_ID      client of the page; nats-chat-app unless set
#   WEB_ROOT            folder of the page: the copy of dist/client; /srv/client unless set
#
# Put certificates (tls), and proxies for NATS and Keycloak (handle), into files natter.d/*.caddy beside this file.

(natter_headers) {
	map {$OIDC_ISSUER} {natter_issuer_origin} {
		~^(https?://[^/]+) \${1}
	}
	header {
${Object.entries(headers)
  .map(([name, value]) => `\t\t${name} "${value}"`)
  .join('\n')}
		cache-control "${revalidated}"
	}
	header -server
}

(natter_types) {
${types.join('\n')}
}

{$NATTER_WEB_ORIGIN} {
	import natter.d/*.caddy
	root * {$WEB_ROOT:/srv/client}

	@method not method GET HEAD
	@page path_regexp "${nameOf(pagePath)}"
	@hidden path_regexp ${nameOf(hiddenPath)}
	@served path_regexp "${servedPath}"
	@immutable path_regexp ${nameOf(immutablePath)}
	@app path_regexp ${nameOf(appFilePath)}
	@compressed file {path}.gz

	route {
		import natter_headers
		error @method 405
		handle /healthz {
			header content-type application/json
			respond \`{"ready":true}\`
		}
		handle /config.json {
			header content-type application/json
			respond \`{"natsWebSocket":"{$NATS_WS_URL}","issuer":"{$OIDC_ISSUER}","clientId":"{$OIDC_CLIENT_ID:nats-chat-app}"}\`
		}
		error @hidden 404
		rewrite / /index.html
		rewrite @page /index.html
		header @immutable cache-control "${immutable}"
		header @app access-control-allow-origin *
		header @compressed {
			vary accept-encoding
			defer
		}
		import natter_types
		file_server @served {
			precompressed br gzip
			disable_canonical_uris
		}
		error 404
	}
	handle_errors {
		import natter_headers
		header content-type text/plain
		header -access-control-allow-origin
		@wrong_method expression {http.error.status_code} == 405
		header @wrong_method allow "GET, HEAD"
		respond @wrong_method "Method not allowed
"
		respond "Not found
"
	}
}
`
}
