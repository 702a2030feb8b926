# Runs at the first start of the container postgres: creates the databases of Natter and Keycloak, with roles
# that cannot connect to each other's database.
set -eu
psql() { command psql -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" "$@"; }

for database in natter keycloak; do
  psql -c "create database $database" -c "revoke all on database $database from public"
done
psql -d natter -f /docker-entrypoint-initdb.d/roles.psql
psql -v owner="$(cat /run/secrets/DATABASE_OWNER_PASSWORD)" \
  -v runtime="$(cat /run/secrets/DATABASE_PASSWORD)" \
  -v keycloak="$(cat /run/secrets/KC_DB_PASSWORD)" <<'SQL'
alter role natter_owner password :'owner';
alter role natter_runtime password :'runtime';
grant connect on database natter to natter_owner, natter_runtime;
create role keycloak login password :'keycloak';
alter database keycloak owner to keycloak;
SQL
# Accepts only connections with TLS.
sed -i 's/^host all all all /hostssl all all all /' "$PGDATA/pg_hba.conf"
