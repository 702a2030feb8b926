# The command of the service `secrets`: writes the secrets, and certificates for TLS between the containers. Files
# that exist stay as they are.
set -eu
node stack/generate-secrets.ts --nats=tls://nats-1:4222,tls://nats-2:4222,tls://nats-3:4222 \
  --database='postgres:5432/natter?sslmode=verify-full' /secrets
missing=
for names in nats,nats-1,nats-2,nats-3 postgres keycloak; do
  [ -e "/secrets/internal/${names%%,*}.crt" ] || missing="$missing $names"
done
[ -n "$missing" ] || exit 0
node stack/generate-certificates.ts --days=3650 /secrets/internal $missing
# The containers run as other users than this one, and must be able to read their key files. Users of the
# machine cannot read these files, because they have no access to the folder.
for names in $missing; do chmod a+r "/secrets/internal/${names%%,*}.key"; done
