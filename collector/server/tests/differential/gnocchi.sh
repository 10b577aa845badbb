#!/bin/bash
# Starts a Gnocchi for a test: PostgreSQL as indexer, files as storage, the API alone in one process. There is no metricd:
# a read with refresh=true aggregates what came in before it answers. BIN is where its Python and its programs are.
# usage: gnocchi.sh DIR PORT PYTHON-SCRIPT BIN
set -euo pipefail
dir=$1 port=$2 serve=$3 programs=$4
mkdir -p "$dir/files" "$dir/locks"
chmod 755 "$dir"

# PostgreSQL does not run as root.
if [ "$(id -u)" = 0 ]; then as_user() { runuser -u postgres -- "$@"; }; else as_user() { "$@"; }; fi
bin=$(dirname "$(find /usr/lib/postgresql -name initdb | sort -V | tail -n 1)")
mkdir "$dir/db"
[ "$(id -u)" != 0 ] || chown postgres "$dir/db"
as_user "$bin/initdb" -D "$dir/db/data" -A trust -U gnocchi --no-sync >/dev/null
as_user "$bin/pg_ctl" -D "$dir/db/data" -l "$dir/db/log" -w \
    -o "-k $dir/db -c listen_addresses='' -c fsync=off" start >/dev/null
trap 'kill "${api:-}" 2>/dev/null || true; as_user "$bin/pg_ctl" -D "$dir/db/data" -m immediate stop >/dev/null' EXIT
trap 'exit 0' TERM INT
as_user "$bin/createdb" -h "$dir/db" -U gnocchi gnocchi

cat >"$dir/gnocchi.conf" <<CONF
[DEFAULT]
log_file = $dir/gnocchi.log
coordination_url = file://$dir/locks
[api]
auth_mode = basic
[indexer]
url = postgresql:///gnocchi?host=$dir/db&user=gnocchi
[storage]
driver = file
file_basepath = $dir/files
[incoming]
driver = file
file_basepath = $dir/files
CONF
"$programs/gnocchi-upgrade" --config-file "$dir/gnocchi.conf" --skip-archive-policies-creation --sacks-number 1 >/dev/null 2>&1
"$programs/python3" "$serve" "$port" "file://$dir/locks" --config-file "$dir/gnocchi.conf" 2>"$dir/api.log" &
api=$!
wait "$api"
