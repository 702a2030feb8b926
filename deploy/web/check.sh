# The health check of the web container: requests the page, Keycloak and a WebSocket of NATS through Caddy.
set -eu
site=http://127.0.0.1:8081
wget -q -O /dev/null $site/
wget -q -O /dev/null $site/auth/realms/nats-chat/.well-known/openid-configuration
headers='Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: bmF0dGVyLWNoZWNrLTEyMw=='
# Waits for a second, because closing the input at once would cancel the request.
(printf "GET /nats HTTP/1.1\r\nHost: check\r\n$headers\r\n\r\n"; sleep 1) |
  nc -w 5 127.0.0.1 8081 | head -n 1 | grep -q ' 101 '
