# The command of the Keycloak container. Keycloak reads passwords only from the environment, so this script
# exports them from the files of the secrets.
set -eu
export KC_DB_PASSWORD="$(</run/secrets/KC_DB_PASSWORD)"
export KC_BOOTSTRAP_ADMIN_PASSWORD="$(</run/secrets/KC_BOOTSTRAP_ADMIN_PASSWORD)"
export NATTER_EVENTS_SECRET="$(</run/secrets/KEYCLOAK_EVENTS_SECRET)"
exec /opt/keycloak/bin/kc.sh start --optimized --import-realm --http-enabled=true --proxy-headers=xforwarded
