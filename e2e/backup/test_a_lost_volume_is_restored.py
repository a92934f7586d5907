"""The volume of Postgres is lost for good; what was in the last dump is there again after one command."""

import pytest
from backup.conftest import DATABASE, Release

pytestmark = pytest.mark.full

MISSIONS = "select id from hekaton.mission order by id"
TABLES = "select count(*) from pg_tables where schemaname = 'hekaton'"


def test_the_database_comes_back_as_it_was_dumped(release: Release) -> None:
    release.add_mission("before-the-dump")
    tables = release.sql(TABLES)
    assert "hekaton-" in release.run("dump", "hekaton-backup")
    release.add_mission("after-the-dump")
    release.lose()
    assert release.sql(TABLES) == "0", f"{DATABASE} was not lost"
    assert "restored hekaton-" in release.run("restore", "hekaton-restore")
    assert release.sql(TABLES) == tables
    assert release.sql(MISSIONS) == "before-the-dump"
    release.scale("deployment/hekaton-operator", 1)  # its migration finds its tables
    owners = "select distinct tableowner from pg_tables where schemaname = 'hekaton'"
    assert release.sql(owners) == "hekaton"
