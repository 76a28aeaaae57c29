#!/bin/bash
# Copies the primary where there is no database yet, and runs the copy, which then follows. The arguments are the
# command that does that.
set -eu

if [ ! -s "$PGDATA/PG_VERSION" ]; then
    # What an attempt before this one has left.
    rm -rf "$PGDATA" "$PGDATA.new"
    PGPASSWORD="$(cat /run/secrets/replicator)" pg_basebackup --pgdata "$PGDATA.new" --checkpoint fast \
        --slot standby --write-recovery-conf --dbname \
        "host=db1 user=replicator application_name=db2 sslmode=verify-full sslrootcert=/run/secrets/ca"
    mv "$PGDATA.new" "$PGDATA"
fi
exec "$@"
