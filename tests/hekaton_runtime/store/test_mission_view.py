"""The view that the operator reads has the columns that hekaton_api names."""

from hekaton_api.mission_view import COLUMNS
from hekaton_runtime.store.postgres import Database


async def test_the_view_has_exactly_the_columns_of_the_contract(database: Database) -> None:
    rows = await database.fetch(
        "select column_name from information_schema.columns"
        " where table_schema = 'hekaton' and table_name = 'mission_status' order by ordinal_position"
    )
    assert tuple(row["column_name"] for row in rows) == COLUMNS
