#!/bin/bash
# Makes passwords and certificates for compose-cluster.yaml, as root: Deploy/postgres/secrets.sh [FOLDER]
#
# The folder is for root only, and must not be there yet. Containers see single files of it. The certificate is good
# for db1 and db2, and for 825 days; the key of the authority that has signed it is thrown away.
set -eu

folder=${1:-$(dirname "$0")/../secrets}
mkdir --mode 700 "$folder"
cd "$folder"
umask 077

for role in postgres obie_owner obie replicator; do
    openssl rand -hex 32 >"$role"
done

curve=(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes)
openssl req -x509 "${curve[@]}" -keyout authority -out ca -days 825 -subj '/CN=obie-tokens database authority' \
    -addext 'basicConstraints=critical,CA:TRUE' -addext 'keyUsage=critical,keyCertSign' 2>/dev/null
openssl req "${curve[@]}" -keyout db_key -out request -subj '/CN=db1' 2>/dev/null
openssl x509 -req -in request -CA ca -CAkey authority -CAcreateserial -out db_certificate -days 825 \
    -extfile <(printf 'subjectAltName=DNS:db1,DNS:db2\nextendedKeyUsage=serverAuth\n') 2>/dev/null
rm -f authority request ca.srl .srl

# Containers read them as other users; nobody else gets into the folder. The key is for the image's group `postgres`.
chmod 444 postgres obie_owner obie replicator ca db_certificate
chown 0:999 db_key
chmod 640 db_key
