# Adds a user to the realm and prints a password, which the user changes at the first login:
#   docker-compose exec -T keycloak bash add-user.sh ada ada@example.com Ada Lovelace user
set -eu
if (( $# != 5 )); then
  echo 'Usage: add-user.sh NAME EMAIL FIRST-NAME LAST-NAME user|admin' >&2
  exit 2
fi
export KC_CLI_PASSWORD="$(</run/secrets/KC_BOOTSTRAP_ADMIN_PASSWORD)"
admin=(-r nats-chat --no-config --server http://localhost:8080/auth --realm master --user admin)
# Options of Java for a process that runs only for seconds.
export KC_OPTS='-XX:TieredStopAtLevel=1 -XX:+UseSerialGC'
password=$(</proc/sys/kernel/random/uuid)
# Imports the user, because Keycloak ignores roles when it creates a user.
/opt/keycloak/bin/kcadm.sh create partialImport "${admin[@]}" -f - >&2 <<JSON
{
  "ifResourceExists": "FAIL",
  "users": [
    {
      "username": "$1",
      "email": "$2",
      "emailVerified": true,
      "firstName": "$3",
      "lastName": "$4",
      "enabled": true,
      "credentials": [{ "type": "password", "value": "$password" }],
      "requiredActions": ["UPDATE_PASSWORD"],
      "realmRoles": ["$5"]
    }
  ]
}
JSON
echo "$password"
