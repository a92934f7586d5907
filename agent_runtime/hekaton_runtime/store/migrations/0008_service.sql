-- What the service was asked for, in the order in which it is worked. How each stands is in the mission's row.
create table hekaton.submission (
    mission_id    text primary key references hekaton.mission (id) on delete cascade,
    seq           bigint generated always as identity unique,
    client        text not null,                         -- name of the API key that it came with
    word          text,                                  -- the client's own word for it: said again, nothing new is made
    claimer       text not null default '',              -- the process that is about to own the mission
    claimed_until timestamptz not null default '-infinity',
    unique (client, word)
);
create index submission_by_client on hekaton.submission (client, seq desc);
create index mission_unfinished on hekaton.mission (id)
    where state in ('pending', 'running') or (state = 'stopped' and stop_kind in ('interrupted', 'unavailable'));

-- Take a mission in, whole or not at all -> verdict 'queued' | 'known' (the client's word is taken) | 'full'.
-- Sent again with the same id it gives the same answer.
create function hekaton.submit(
    an_id text, a_mode text, a_document jsonb, a_formation jsonb, an_options jsonb, created bigint,
    a_client text, a_word text, room integer, out verdict text, out mission text)
language plpgsql as $$
begin
    perform pg_advisory_xact_lock(hashtextextended('hekaton.submission', 0));
    select mission_id into mission from hekaton.submission
        where mission_id = an_id or (client = a_client and word = a_word);
    if found then
        verdict := case when mission = an_id then 'queued' else 'known' end;
        return;
    end if;
    mission := an_id;
    if (select count(*) from hekaton.submission s join hekaton.mission m on m.id = s.mission_id
        where m.state = 'pending') >= room then
        verdict := 'full';
        return;
    end if;
    insert into hekaton.mission (id, name, mode, document, formation, options, created_at)
        values (an_id, an_id, a_mode, a_document, a_formation, an_options, to_timestamp(created));
    insert into hekaton.submission (mission_id, client, word) values (an_id, a_client, a_word);
    verdict := 'queued';
end $$;

-- Say who is about to work a mission, if nobody else did since `before` was read. The lease decides; this
-- only spares two services of one database from waiting for each other's.
create function hekaton.claim(a_mission text, me text, before text, seconds double precision) returns boolean
language sql as $$
    with claimed as (
        update hekaton.submission set claimer = me, claimed_until = clock_timestamp() + make_interval(secs => seconds)
        where mission_id = a_mission and claimer = before returning 1)
    select exists (select from claimed)
$$;

-- Entries after one, in order. Writers share the mission's lock from before they draw their number until
-- they commit; who has had it alone misses none that commits late.
create function hekaton.journal_after(a_mission text, a_seq bigint, many integer)
returns table (seq bigint, path text, body bytea, at double precision) language plpgsql as $$
begin
    if not exists (select from hekaton.journal j where j.mission_id = a_mission and j.seq > a_seq) then return; end if;
    perform pg_advisory_xact_lock(hekaton.turn(a_mission));
    return query select j.seq, j.path::text, j.body, extract(epoch from j.at)::float8
        from hekaton.journal j where j.mission_id = a_mission and j.seq > a_seq order by j.seq limit many;
end $$;
