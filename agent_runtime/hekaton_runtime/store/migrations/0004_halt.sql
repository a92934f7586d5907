-- A halt that was asked for before its conductor began is obeyed, not forgotten: `begin` leaves it alone.
create or replace function hekaton.begin(a_mission text, a_token bigint) returns boolean
language plpgsql as $$
begin
    if not hekaton.owns(a_mission, a_token) then return false; end if;
    update hekaton.mission set state = 'running', reason = '', stop_kind = '', ended_at = null,
        started_at = coalesce(started_at, clock_timestamp()) where id = a_mission;
    return true;
end $$;
