-- Missions, their owners and their journals. See docs/decisions.md: one statement a step, one round trip.
create table hekaton.mission (
    id          text primary key,
    name        text not null,
    mode        text not null,
    document    jsonb not null,          -- the Mission as given, without any secret
    formation   jsonb not null,          -- the Formation as it was when the mission began
    options     jsonb not null default '{}',
    simulated   boolean not null default false,
    state       text not null default 'pending'
                check (state in ('pending', 'running', 'passed', 'failed', 'stopped')),
    reason      text not null default '',
    stop_kind   text not null default '',
    phase       text not null default '',
    detail      text not null default '',
    round       integer not null default 0,
    wave        integer not null default 0,
    tasks_done  integer not null default 0,
    tasks_total integer not null default 0,
    score       real,
    halt        text,                    -- why somebody wants it stopped; null while nobody does
    artifact    jsonb,
    created_at  timestamptz not null default clock_timestamp(),
    started_at  timestamptz,
    ended_at    timestamptz
);
create index mission_by_age on hekaton.mission (created_at desc);

create table hekaton.lease (
    mission_id text primary key references hekaton.mission (id) on delete cascade,
    owner      text not null,
    token      bigint not null,          -- grows with each owner: the fence
    until      timestamptz not null
);

create table hekaton.journal (
    mission_id  text not null references hekaton.mission (id) on delete cascade,
    seq         bigint generated always as identity,
    path        text collate "C" not null,
    fingerprint bytea not null,
    body        bytea not null,          -- msgpack of a result
    token       bigint not null,
    at          timestamptz not null default clock_timestamp(),
    primary key (mission_id, path)
);

create function hekaton.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'the journal is append-only';
end $$;
create trigger journal_is_append_only before update on hekaton.journal
    for each row execute function hekaton.refuse_change();

-- The fence: true while `a_token` is still the owner's. The share lock makes a takeover wait for writes
-- in flight, so the new owner reads a journal that nobody can add to any more.
create function hekaton.owns(a_mission text, a_token bigint) returns boolean
language plpgsql as $$
begin
    perform 1 from hekaton.lease where mission_id = a_mission and token = a_token for share;
    return found;
end $$;

-- Own a mission for some seconds -> its new token, or null while another owner's lease holds.
-- `gone` is an owner that the caller knows to be dead (a process of its own machine).
create function hekaton.take(a_mission text, an_owner text, seconds double precision, gone text) returns bigint
language sql as $$
    insert into hekaton.lease as l (mission_id, owner, token, until)
    values (a_mission, an_owner, 1, clock_timestamp() + make_interval(secs => seconds))
    on conflict (mission_id) do update
        set owner = excluded.owner, token = l.token + 1, until = excluded.until
        where l.until < clock_timestamp() or l.owner = gone
    returning token
$$;

create function hekaton.renew(a_mission text, a_token bigint, seconds double precision) returns boolean
language sql as $$
    with renewed as (
        update hekaton.lease set until = clock_timestamp() + make_interval(secs => seconds)
        where mission_id = a_mission and token = a_token returning 1)
    select exists (select from renewed)
$$;

create function hekaton.give_up(a_mission text, a_token bigint) returns void
language sql as $$
    update hekaton.lease set until = '-infinity' where mission_id = a_mission and token = a_token
$$;

-- Append one result -> 'appended' | 'known' (the same entry, written before a lost connection) | 'diverged' | 'fenced'
create function hekaton.append(a_mission text, a_token bigint, a_path text, a_fingerprint bytea, a_body bytea)
returns text language plpgsql as $$
declare
    there hekaton.journal%rowtype;
begin
    if not hekaton.owns(a_mission, a_token) then return 'fenced'; end if;
    insert into hekaton.journal (mission_id, path, fingerprint, body, token)
    values (a_mission, a_path, a_fingerprint, a_body, a_token) on conflict do nothing;
    if found then return 'appended'; end if;
    select * into there from hekaton.journal where mission_id = a_mission and path = a_path;
    return case when there.fingerprint = a_fingerprint and there.body = a_body then 'known' else 'diverged' end;
end $$;

-- As append, and the progress it reports, for people and the operator. Negative numbers leave a column as it is.
create function hekaton.note(
    a_mission text, a_token bigint, a_path text, a_fingerprint bytea, a_body bytea,
    a_phase text, a_detail text, a_round integer, a_wave integer, done integer, total integer)
returns text language plpgsql as $$
declare
    written text := hekaton.append(a_mission, a_token, a_path, a_fingerprint, a_body);
begin
    if written = 'appended' then
        update hekaton.mission set phase = a_phase, detail = a_detail,
            round = case when a_round < 0 then round else a_round end,
            wave = case when a_wave < 0 then wave else a_wave end,
            tasks_done = case when done < 0 then tasks_done else done end,
            tasks_total = case when total < 0 then tasks_total else total end
            where id = a_mission;
    end if;
    return written;
end $$;

-- A new owner begins or goes on; false when it is no owner (any more).
create function hekaton.begin(a_mission text, a_token bigint) returns boolean
language plpgsql as $$
begin
    if not hekaton.owns(a_mission, a_token) then return false; end if;
    update hekaton.mission set state = 'running', reason = '', stop_kind = '', halt = null, ended_at = null,
        started_at = coalesce(started_at, clock_timestamp()) where id = a_mission;
    return true;
end $$;

create function hekaton.conclude(
    a_mission text, a_token bigint, a_state text, a_kind text, a_reason text, a_score real, is_simulated boolean, an_artifact jsonb)
returns boolean language plpgsql as $$
begin
    if not hekaton.owns(a_mission, a_token) then return false; end if;
    update hekaton.mission set state = a_state, stop_kind = a_kind, reason = a_reason, score = a_score,
        simulated = is_simulated, artifact = an_artifact, ended_at = clock_timestamp() where id = a_mission;
    return true;
end $$;

-- The kill switch's letter: whoever conducts the mission hears of it by the notification.
create function hekaton.ask_halt(a_mission text, a_reason text) returns boolean
language sql as $$
    with asked as (
        update hekaton.mission set halt = a_reason
        where id = a_mission and state in ('pending', 'running') returning 1)
    select exists (select from asked)
$$;
