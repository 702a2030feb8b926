# Adds a user to the realm and prints a password, which the user changes at the first login:
#   docker-compose exec -T keycloak bash add-user.sh ada ada@example.com Ada Lovelace user
set -eu
if (( $# != 5 )); then
  echo 'Usage: add-user.sh NAME EMAIL FIRST-NAME LAST-NAME user|admin' >&2
  exit 2
fi
export KC_CLI_PASSWORD="$(</run/secrets/KC_BOOTSTRAP_ADMIN_PASSWORD)"
admin=(-r nats-chat --no-config --server http://localhost:8080/auth --realm master --user admin)
# For processes that run for seconds.
export KC_OPTS='-XX:TieredStopAtLevel=1 -XX:+UseSerialGC'
password=$(</proc/sys/kernel/random/uuid)
cd /opt/keycloak/bin
./kcadm.sh create users "${admin[@]}" -s username="$1" -s email="$2" -s emailVerified=true \
  -s firstName="$3" -s lastName="$4" -s enabled=true \
  -s "credentials=[{\"type\":\"password\",\"value\":\"$password\",\"temporary\":true}]" >&2
./kcadm.sh add-roles "${admin[@]}" --uusername "$1" --rolename "$5" >&2
echo "$password"
