# The command of the PostgreSQL container. PostgreSQL reads a key file only if the file belongs to the user that
# runs PostgreSQL. The id of this user differs between images, so the key is copied here.
set -eu
(umask 077 && cp /run/secrets/postgres.key /tmp/postgres.key)
exec docker-entrypoint.sh postgres -c ssl=on -c ssl_cert_file=/run/secrets/postgres.crt -c ssl_key_file=/tmp/postgres.key
