# The command of the PostgreSQL container. PostgreSQL reads a key only if it belongs to its own user, whose id
# differs between images.
set -eu
(umask 077 && cp /run/secrets/postgres.key /tmp/postgres.key)
exec docker-entrypoint.sh postgres -c ssl=on -c ssl_cert_file=/run/secrets/postgres.crt -c ssl_key_file=/tmp/postgres.key
