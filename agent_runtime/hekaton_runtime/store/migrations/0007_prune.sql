-- Journals of missions that ended for good may go; accounts, calls and the status stay.
alter table hekaton.mission add column pruned_at timestamptz;

create view hekaton.prunable as
select m.id, m.state, m.ended_at, count(*) as entries, sum(pg_column_size(j.*))::bigint as bytes
from hekaton.mission m join hekaton.journal j on j.mission_id = m.id
where m.state in ('passed', 'failed')
   or (m.state = 'stopped' and m.stop_kind in ('killed', 'budget', 'time', 'diverged'))
group by m.id;

-- Entries deleted; 0 when the mission is no longer one that may be pruned.
create function hekaton.prune(a_mission text) returns bigint language plpgsql as $$
declare
    many bigint;
begin
    perform pg_advisory_xact_lock(hekaton.turn(a_mission));
    if not exists (select from hekaton.prunable where id = a_mission) then return 0; end if;
    update hekaton.mission set pruned_at = clock_timestamp() where id = a_mission;
    delete from hekaton.journal where mission_id = a_mission;
    get diagnostics many = row_count;
    return many;
end $$;
