#!/usr/bin/env bash
# npm run setup:postgres: installs PostgreSQL 17 with pgvector, pg_cron, pgtap and plpgsql_check on Debian and starts it on
# 127.0.0.1:54322, or POSTGRES_PORT (user postgres, password postgres); and PgBouncer, which tests start themselves. For
# development and tests. Running it again is harmless.
set -euo pipefail

port=${POSTGRES_PORT:-54322}
url="postgres://postgres:postgres@127.0.0.1:$port/postgres"
packages=(postgresql-17 postgresql-17-pgvector postgresql-17-cron postgresql-17-pgtap postgresql-17-plpgsql-check pgbouncer)
extensions=(vector pg_cron pgtap plpgsql_check)

say() { printf '%s\n' "$*"; }
fail() { printf '%s\n' "$*" >&2; exit 1; }

command -v apt-get >/dev/null || fail "This is for Debian. Elsewhere install PostgreSQL 17 with ${extensions[*]} and set TEST_DATABASE_URL."
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || fail "Installing packages needs root: run this as root."
  exec sudo bash "$0" "$@"
fi

is_installed() { dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'ok installed'; }

missing=()
for package in "${packages[@]}"; do is_installed "$package" || missing+=("$package"); done
had_server=yes
is_installed postgresql-17 || had_server=no
if [ "${#missing[@]}" -gt 0 ]; then
  say "Installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null \
    || fail "apt-get cannot install ${missing[*]}. Debian 13 has them; on an older one add the repository of apt.postgresql.org."
  # the service that comes with it leads nowhere; tests start their own
  case " ${missing[*]} " in
    *" pgbouncer "*) { service pgbouncer stop; update-rc.d pgbouncer disable; } >/dev/null 2>&1 || true ;;
  esac
fi

port_of() { pg_lsclusters -h | awk -v name="$1" '$1 == 17 && $2 == name { print $3 }'; }

# The cluster that the package makes by itself is taken over when it is new or already ours; otherwise we make our own.
cluster=main
if [ "$had_server" = no ] && [ -n "$(port_of main)" ]; then
  pg_conftool 17 main set port "$port"
elif [ "$(port_of main)" != "$port" ]; then
  # each port its own: one that runs on another is not moved from under whoever uses it
  cluster=recsys_$port
  [ "$port" != 54322 ] || cluster=recsys
  [ -n "$(port_of "$cluster")" ] || pg_createcluster 17 "$cluster" --port "$port" >/dev/null
fi

changed=no
setting() { pg_conftool -s 17 "$cluster" show "$1" 2>/dev/null || true; }
want() {
  [ "$(setting "$1")" = "$2" ] && return
  pg_conftool 17 "$cluster" set "$1" "$2"
  changed=yes
}
libraries=$(setting shared_preload_libraries)
case ",${libraries// /}," in
  *,pg_cron,*) ;;
  *) want shared_preload_libraries "${libraries:+$libraries,}pg_cron" ;;
esac
want cron.database_name postgres
# otherwise each job would connect by TCP, where it has no password
want cron.use_background_workers on
# Each database of a test that is dropped has all that is written wait for the disk: a database made and dropped takes .2 s less of 1 s without
# that on a busy one. What a machine that loses its power leaves of this server is to be made again.
want fsync off
want full_page_writes off

# Databases of tests are made in memory where there is room: see createDatabase in db/testing-postgres.ts. The folder is gone when the machine
# was switched off, and without one a server that was not stopped does not start.
memory=/dev/shm/recsys-tests-$port
is_new=no
if ! compgen -G "$memory/PG_17_*" >/dev/null && [ "$(df --output=avail /dev/shm | tail -n 1)" -gt 4000000 ]; then
  install -d -o postgres -m 700 "$memory"
  is_new=yes
fi

# 54322 is also the port of the database that `supabase start` runs
is_online() { pg_lsclusters -h | awk -v name="$cluster" '$1 == 17 && $2 == name { print $4 }' | grep -q online; }
if is_online; then
  if [ "$changed" = yes ] || [ "$had_server" = no ]; then pg_ctlcluster 17 "$cluster" restart; fi
else
  pg_ctlcluster 17 "$cluster" start || fail "PostgreSQL does not start on port $port. Is another program, such as 'supabase start', using it?"
fi

as_postgres() { (cd / && runuser -u postgres -- psql -qX -v ON_ERROR_STOP=1 -p "$port" "$@"); }
for _ in $(seq 50); do as_postgres -c 'select 1' >/dev/null 2>&1 && break; sleep 0.2; done
as_postgres -c "alter role postgres password 'postgres'" -c "set client_min_messages = warning" -c "create extension if not exists pg_cron"
if [ "$is_new" = yes ]; then
  lost="select format('drop database %I;', datname) from pg_database join pg_tablespace on pg_tablespace.oid = dattablespace where spcname = 'recsys_tests'"
  as_postgres -At -c "$lost" | as_postgres
  as_postgres -c "set client_min_messages = warning" -c "drop tablespace if exists recsys_tests"
  as_postgres -c "create tablespace recsys_tests location '$memory'"
fi

for extension in "${extensions[@]}"; do
  found=$(psql -qXAt "$url" -c "select default_version from pg_available_extensions where name = '$extension'") \
    || fail "PostgreSQL does not answer at $url."
  [ -n "$found" ] || fail "The PostgreSQL on port $port has no $extension."
done
say "PostgreSQL 17 is ready: $url"
