#!/bin/bash
# Starts Debian's Gnocchi as an operator would for speed: PostgreSQL as indexer, Redis for what comes in, files for what is
# kept, metricd, and the API under uwsgi with a process per core. usage: gnocchi.sh DIR PORT
set -euo pipefail
dir=$1 port=$2 cores=$(nproc)
mkdir -p "$dir/files" "$dir/locks"
chmod 755 "$dir"

# PostgreSQL does not run as root.
if [ "$(id -u)" = 0 ]; then as_user() { runuser -u postgres -- "$@"; }; else as_user() { "$@"; }; fi
bin=$(dirname "$(find /usr/lib/postgresql -name initdb | sort -V | tail -n 1)")
mkdir "$dir/db"
[ "$(id -u)" != 0 ] || chown postgres "$dir/db"
as_user "$bin/initdb" -D "$dir/db/data" -A trust -U gnocchi >/dev/null
as_user "$bin/postgres" -D "$dir/db/data" -k "$dir/db" -c listen_addresses='' 2>"$dir/db/log" &
redis-server --port 0 --unixsocket "$dir/redis.sock" --dir "$dir" --save '' >"$dir/redis.log" &
until "$bin/psql" -h "$dir/db" -U gnocchi -c 'SELECT 1' postgres >/dev/null 2>&1 && [ -S "$dir/redis.sock" ]; do sleep 0.1; done
"$bin/createdb" -h "$dir/db" -U gnocchi gnocchi

cat >"$dir/gnocchi.conf" <<CONF
[DEFAULT]
log_file = $dir/gnocchi.log
coordination_url = file://$dir/locks
[api]
auth_mode = basic
[indexer]
url = postgresql:///gnocchi?host=$dir/db&user=gnocchi
[metricd]
workers = $cores
[storage]
driver = file
file_basepath = $dir/files
[incoming]
driver = redis
redis_url = unix://$dir/redis.sock?db=0
CONF
/usr/bin/gnocchi-upgrade --config-file "$dir/gnocchi.conf" >/dev/null 2>&1
/usr/bin/gnocchi-metricd --config-file "$dir/gnocchi.conf" >"$dir/metricd.log" 2>&1 &
exec uwsgi --plugins python3 --http-socket "127.0.0.1:$port" --master --processes "$cores" --threads 8 --lazy-apps \
    --thunder-lock --no-orphans --die-on-term --buffer-size 65535 --add-header 'Connection: close' --need-app \
    --disable-logging --pyargv "--config-file $dir/gnocchi.conf" --wsgi-file /usr/bin/gnocchi-api >"$dir/api.log" 2>&1
