-- What others may read of a mission: the contract with the operator and the CLI. Its columns are named in hekaton_api.
create view hekaton.mission_status as
select m.id, m.name, m.mode, m.state, m.reason, m.stop_kind, m.phase, m.detail, m.round, m.wave,
       m.tasks_done, m.tasks_total, m.score, m.simulated, m.halt, m.artifact,
       a.cap_tokens, a.cap_micros,
       coalesce(a.spent_tokens, 0) as spent_tokens, coalesce(a.spent_micros, 0) as spent_micros,
       coalesce(a.reserved_tokens, 0) as reserved_tokens, coalesce(a.reserved_micros, 0) as reserved_micros,
       coalesce(a.overrun_tokens, 0) as overrun_tokens,
       m.created_at, m.started_at, m.ended_at,
       l.owner, (l.until > clock_timestamp()) is true as owned
from hekaton.mission m
left join hekaton.account a on a.mission_id = m.id and a.path = ''
left join hekaton.lease l on l.mission_id = m.id;

create function hekaton.tell() returns trigger language plpgsql as $$
begin
    perform pg_notify('hekaton_mission', new.id);
    return null;
end $$;
create trigger mission_changed after insert or update on hekaton.mission
    for each row execute function hekaton.tell();
