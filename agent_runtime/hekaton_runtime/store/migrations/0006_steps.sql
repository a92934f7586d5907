-- A step costs the disk and little else. Fence and accounts are guarded by one advisory lock a mission, held
-- until the commit; unlike row locks it writes nothing. Writers of the journal alone share it; whoever moves
-- the accounts, or takes the mission over, has it alone, and asks for it alone from the start (two who share it
-- and both want it alone would wait for each other). These functions are volatile: each of their statements
-- sees what was committed before the lock was had.
create function hekaton.turn(a_mission text) returns bigint
language sql immutable as $$ select hashtextextended(a_mission, 7305795) $$;

create or replace function hekaton.owns(a_mission text, a_token bigint) returns boolean
language plpgsql as $$
begin
    perform pg_advisory_xact_lock_shared(hekaton.turn(a_mission));
    return exists (select from hekaton.lease where mission_id = a_mission and token = a_token);
end $$;

create function hekaton.owns_alone(a_mission text, a_token bigint) returns boolean
language plpgsql as $$
begin
    perform pg_advisory_xact_lock(hekaton.turn(a_mission));
    return exists (select from hekaton.lease where mission_id = a_mission and token = a_token);
end $$;

create or replace function hekaton.take(a_mission text, an_owner text, seconds double precision, gone text) returns bigint
language plpgsql as $$
declare
    given bigint;
begin
    perform pg_advisory_xact_lock(hekaton.turn(a_mission));
    insert into hekaton.lease as l (mission_id, owner, token, until)
    values (a_mission, an_owner, 1, clock_timestamp() + make_interval(secs => seconds))
    on conflict (mission_id) do update
        set owner = excluded.owner, token = l.token + 1, until = excluded.until
        where l.until < clock_timestamp() or l.owner = gone
    returning token into given;
    return given;
end $$;

-- Rows of journal and ledger belong to a mission whose lease the fence has just seen. A foreign key would look
-- again and lock the mission's row for each of them. A mission that is deleted takes them along as before.
alter table hekaton.journal drop constraint journal_mission_id_fkey;
alter table hekaton.call drop constraint call_mission_id_fkey;
create function hekaton.delete_parts() returns trigger language plpgsql as $$
begin
    delete from hekaton.journal where mission_id = old.id;
    delete from hekaton.call where mission_id = old.id;
    return old;
end $$;
create trigger mission_deletes_its_parts before delete on hekaton.mission
    for each row execute function hekaton.delete_parts();

create function hekaton.has_room(a hekaton.account, tokens bigint, micros bigint) returns boolean
language sql immutable as $$
    select coalesce(a.spent_tokens + a.reserved_tokens + tokens <= a.cap_tokens, true)
       and coalesce(a.spent_micros + a.reserved_micros + micros <= a.cap_micros, true)
$$;

-- As before: verdict 'opened' | 'wait' | 'refused' | 'fenced'. With room everywhere it takes two statements.
create or replace function hekaton.open_call(
    a_mission text, a_token bigint, a_call text, a_path text, an_accounts text[],
    an_agent text, a_role text, a_model text, tokens bigint, micros bigint,
    out verdict text, out account text, out left_tokens bigint, out left_micros bigint)
language plpgsql as $$
declare
    a hekaton.account%rowtype;
    room bigint;
begin
    perform pg_advisory_xact_lock(hekaton.turn(a_mission));
    select case when not exists (select from hekaton.lease l where l.mission_id = a_mission and l.token = a_token)
                then 'fenced' else 'opened' end,
           case when exists (select from hekaton.call c where c.mission_id = a_mission and c.id = a_call)
                then -1 else (select count(*) from hekaton.account h
                              where h.mission_id = a_mission and h.path = any(an_accounts)
                              and hekaton.has_room(h, tokens, micros)) end
        into verdict, room;
    if verdict = 'fenced' or room < 0 then return; end if;
    if room < cardinality(an_accounts) then
        insert into hekaton.account (mission_id, path)
            select a_mission, unnest(an_accounts) on conflict do nothing;
        for a in select * from hekaton.account h where h.mission_id = a_mission and h.path = any(an_accounts)
                 and not hekaton.has_room(h, tokens, micros) order by h.path loop
            verdict := case when a.spent_tokens + tokens > a.cap_tokens or a.spent_micros + micros > a.cap_micros
                            then 'refused' else 'wait' end;
            account := a.path;
            left_tokens := a.cap_tokens - a.spent_tokens - a.reserved_tokens;
            left_micros := a.cap_micros - a.spent_micros - a.reserved_micros;
            exit when verdict = 'refused';
        end loop;
        if verdict <> 'opened' then return; end if;
    end if;
    with held as (
        update hekaton.account h set reserved_tokens = h.reserved_tokens + tokens, reserved_micros = h.reserved_micros + micros
        where h.mission_id = a_mission and h.path = any(an_accounts))
    insert into hekaton.call (mission_id, id, path, accounts, agent, role, model, reserved_tokens, reserved_micros, token)
        values (a_mission, a_call, a_path, an_accounts, an_agent, a_role, a_model, tokens, micros, a_token);
end $$;

create or replace function hekaton.close_call(
    a_mission text, a_call text, a_state text, prompt bigint, completion bigint, a_micros bigint, is_estimated boolean)
returns bigint language plpgsql as $$
declare
    c hekaton.call%rowtype;
    tokens bigint;
begin
    update hekaton.call set state = a_state, prompt_tokens = prompt, completion_tokens = completion,
        micros = case a_state when 'settled' then a_micros when 'unknown' then reserved_micros else 0 end,
        estimated = is_estimated, closed_at = clock_timestamp()
        where mission_id = a_mission and id = a_call and (state = 'open') is true  -- so written, by the primary key
        returning * into c;
    if not found then return 0; end if;
    tokens := case a_state when 'settled' then prompt + completion when 'unknown' then c.reserved_tokens else 0 end;
    update hekaton.account h set
        reserved_tokens = h.reserved_tokens - c.reserved_tokens,
        reserved_micros = h.reserved_micros - c.reserved_micros,
        spent_tokens = least(h.spent_tokens + tokens, coalesce(h.cap_tokens - h.reserved_tokens + c.reserved_tokens, h.spent_tokens + tokens)),
        spent_micros = least(h.spent_micros + c.micros, coalesce(h.cap_micros - h.reserved_micros + c.reserved_micros, h.spent_micros + c.micros)),
        overrun_tokens = h.overrun_tokens + greatest(0, coalesce(h.spent_tokens + tokens + h.reserved_tokens - c.reserved_tokens - h.cap_tokens, 0)),
        overrun_micros = h.overrun_micros + greatest(0, coalesce(h.spent_micros + c.micros + h.reserved_micros - c.reserved_micros - h.cap_micros, 0))
        where h.mission_id = a_mission and h.path = any(c.accounts);
    return greatest(0, tokens - c.reserved_tokens);
end $$;

create or replace function hekaton.finish_call(
    a_mission text, a_token bigint, a_call text, a_state text, prompt bigint, completion bigint,
    a_micros bigint, is_estimated boolean, a_path text, a_fingerprint bytea, a_body bytea)
returns text language plpgsql as $$
declare
    written text;
begin
    perform pg_advisory_xact_lock(hekaton.turn(a_mission));
    written := hekaton.append(a_mission, a_token, a_path, a_fingerprint, a_body);
    if written = 'appended' and
       hekaton.close_call(a_mission, a_call, a_state, prompt, completion, a_micros, is_estimated) > 0 then
        return 'overrun';
    end if;
    return written;
end $$;

create or replace function hekaton.forfeit(a_mission text, a_token bigint) returns integer
language plpgsql as $$
declare
    a_call text;
    many integer := 0;
begin
    if not hekaton.owns_alone(a_mission, a_token) then return -1; end if;
    for a_call in select id from hekaton.call where mission_id = a_mission and state = 'open' order by id loop
        perform hekaton.close_call(a_mission, a_call, 'unknown', 0, 0, 0, false);
        many := many + 1;
    end loop;
    return many;
end $$;
