#!/bin/bash
# Makes the roles, the database, who may come in, and a place for the standby. The entry point of the image `postgres`
# runs it once, in a new database that listens on no address yet. From the start that follows, every change waits for
# the standby.
set -eu

psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username postgres --dbname postgres <<'SQL'
\set owner `cat /run/secrets/obie_owner`
\set serving `cat /run/secrets/obie`
\set replicator `cat /run/secrets/replicator`
CREATE ROLE obie_owner LOGIN PASSWORD :'owner';
CREATE ROLE obie LOGIN PASSWORD :'serving';
CREATE ROLE replicator LOGIN REPLICATION PASSWORD :'replicator';
CREATE DATABASE obie OWNER obie_owner;
REVOKE CONNECT ON DATABASE obie FROM PUBLIC;
GRANT CONNECT ON DATABASE obie TO obie;
SELECT 'the standby is awaited in ' || slot_name FROM pg_create_physical_replication_slot('standby', true);
ALTER SYSTEM SET synchronous_standby_names = '*';
SQL

cat >"$PGDATA/pg_hba.conf" <<'RULES'
local all postgres peer
hostssl obie obie_owner,obie all scram-sha-256
hostssl replication replicator all scram-sha-256
RULES
