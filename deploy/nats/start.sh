# The command of the NATS containers: nats-server reads secrets from the environment only.
set -eu
set -a
. /run/secrets/nats.env
NATS_TLS_CERT='"/run/secrets/nats.crt"'
NATS_TLS_KEY='"/run/secrets/nats.key"'
NATS_TLS_CA='"/run/secrets/ca.crt"'
route="nats://route:$NATS_CLUSTER_PASSWORD@nats"
NATS_CLUSTER_ROUTES="[\"$route-1:6222\", \"$route-2:6222\", \"$route-3:6222\"]"
exec nats-server -c /etc/nats/server.conf
