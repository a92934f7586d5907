"""The contract between runtime and operator: the columns of the SQL view `hekaton.mission_status`.

The runtime's migrations make the view; the operator reads it. A test holds both to this list.
"""

VIEW = "hekaton.mission_status"
CHANNEL = "hekaton_mission"
"""NOTIFY channel that carries the id of a mission whose row has changed."""
COLUMNS = (
    "id",
    "name",
    "mode",
    "state",
    "reason",
    "stop_kind",
    "phase",
    "detail",
    "round",
    "wave",
    "tasks_done",
    "tasks_total",
    "score",
    "simulated",
    "halt",
    "artifact",
    "cap_tokens",
    "cap_micros",
    "spent_tokens",
    "spent_micros",
    "reserved_tokens",
    "reserved_micros",
    "overrun_tokens",
    "created_at",
    "started_at",
    "ended_at",
    "owner",
    "owned",
)
