#!/bin/sh
# Put $DUMP from /backup, or the newest there, in place of what the database holds. What it holds goes only when all of
# the dump is in; where that fails, it is put back. Rights of namespaces' roles are not in it: the operator gives them.
set -eu
cd "${BACKUPS:-/backup}"
dump=${DUMP:-$(ls -1r hekaton-*.dump 2>/dev/null | head -n 1)}
if [ -z "$dump" ] || [ ! -f "$dump" ]; then
    echo "There is no dump ${dump:-at all} in $(pwd); there are: $(ls -1 | tr '\n' ' ')" >&2
    exit 1
fi
say() { psql --quiet --no-psqlrc --set=ON_ERROR_STOP=1 --command="$1"; }
waited=0
until pg_isready --quiet; do
    if [ "$waited" -ge 300 ]; then
        echo "Postgres at $PGHOST has not answered for 300 s." >&2
        exit 1
    fi
    sleep 2
    waited=$((waited + 2))
done
say "do \$\$ begin
    if to_regnamespace('hekaton_before') is not null then
        drop schema if exists hekaton cascade;
    elsif to_regnamespace('hekaton') is not null then
        alter schema hekaton rename to hekaton_before;
    end if;
end \$\$"
if pg_restore --exit-on-error --single-transaction --no-owner --no-privileges --dbname="$PGDATABASE" "$dump"; then
    say "drop schema if exists hekaton_before cascade"
    echo "restored $dump"
else
    say "drop schema if exists hekaton cascade"
    say "do \$\$ begin
        if to_regnamespace('hekaton_before') is not null then
            alter schema hekaton_before rename to hekaton;
        end if;
    end \$\$"
    echo "$dump could not be restored; the database is as it was." >&2
    exit 1
fi
