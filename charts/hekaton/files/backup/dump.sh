#!/bin/sh
# Keep a dump of Hekaton's schema in /backup, and the $KEEP newest of them. A dump has its name only when it is whole.
set -eu
cd "${BACKUPS:-/backup}"
name="hekaton-$(date -u +%Y%m%dT%H%M%SZ).dump"
rm -f -- *.part
pg_dump --format=custom --schema=hekaton --no-owner --no-privileges --file="$name.part"
pg_restore --file=/dev/null "$name.part"
sync "$name.part"
mv -- "$name.part" "$name"
for old in $(ls -1r hekaton-*.dump | tail -n "+$((KEEP + 1))"); do
    rm -- "$old"
    echo "removed $old"
done
ls -l -- *.dump
