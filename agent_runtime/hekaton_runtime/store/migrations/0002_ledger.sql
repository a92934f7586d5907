-- Accounts of tokens and micro-dollars. `spent + reserved <= cap` is a constraint, not a habit.
create table hekaton.account (
    mission_id      text not null references hekaton.mission (id) on delete cascade,
    path            text collate "C" not null,  -- '' is the mission's, 'wave-1/sapper-1' lies under 'wave-1'
    cap_tokens      bigint,                     -- null: no cap of its own
    cap_micros      bigint,
    spent_tokens    bigint not null default 0 check (spent_tokens >= 0),
    spent_micros    bigint not null default 0 check (spent_micros >= 0),
    reserved_tokens bigint not null default 0 check (reserved_tokens >= 0),
    reserved_micros bigint not null default 0 check (reserved_micros >= 0),
    overrun_tokens  bigint not null default 0,  -- billed beyond a call's worst case and beyond the cap
    overrun_micros  bigint not null default 0,
    primary key (mission_id, path),
    check (spent_tokens + reserved_tokens <= cap_tokens),
    check (spent_micros + reserved_micros <= cap_micros)
);

create table hekaton.call (
    mission_id        text not null references hekaton.mission (id) on delete cascade,
    id                text collate "C" not null,
    path              text collate "C" not null,  -- of the effect in the journal
    accounts          text[] not null,
    agent             text not null,
    role              text not null,
    model             text not null,
    reserved_tokens   bigint not null check (reserved_tokens > 0),
    reserved_micros   bigint not null check (reserved_micros >= 0),
    state             text not null default 'open' check (state in ('open', 'settled', 'released', 'unknown')),
    prompt_tokens     bigint not null default 0,
    completion_tokens bigint not null default 0,
    micros            bigint not null default 0,
    estimated         boolean not null default false,
    token             bigint not null,
    opened_at         timestamptz not null default clock_timestamp(),
    closed_at         timestamptz,
    primary key (mission_id, id)
);
create index call_open on hekaton.call (mission_id) where state = 'open';

-- Reserve a call's worst case in every account of its chain, all or none.
-- verdict: 'opened' | 'wait' (room comes when calls in flight settle) | 'refused' | 'fenced'
create function hekaton.open_call(
    a_mission text, a_token bigint, a_call text, a_path text, an_accounts text[],
    an_agent text, a_role text, a_model text, tokens bigint, micros bigint,
    out verdict text, out account text, out left_tokens bigint, out left_micros bigint)
language plpgsql as $$
declare
    a hekaton.account%rowtype;
begin
    if not hekaton.owns(a_mission, a_token) then verdict := 'fenced'; return; end if;
    perform 1 from hekaton.call c where c.mission_id = a_mission and c.id = a_call;
    if found then verdict := 'opened'; return; end if;
    insert into hekaton.account (mission_id, path)
        select a_mission, unnest(an_accounts) order by 2 on conflict do nothing;
    verdict := 'opened';
    for a in select * from hekaton.account h
             where h.mission_id = a_mission and h.path = any(an_accounts) order by h.path for update loop
        if a.spent_tokens + tokens > a.cap_tokens or a.spent_micros + micros > a.cap_micros then
            verdict := 'refused';
        elsif a.spent_tokens + a.reserved_tokens + tokens > a.cap_tokens
              or a.spent_micros + a.reserved_micros + micros > a.cap_micros then
            verdict := 'wait';
        else
            continue;
        end if;
        account := a.path;
        left_tokens := a.cap_tokens - a.spent_tokens - a.reserved_tokens;
        left_micros := a.cap_micros - a.spent_micros - a.reserved_micros;
        exit when verdict = 'refused';
    end loop;
    if verdict <> 'opened' then return; end if;
    update hekaton.account h set reserved_tokens = h.reserved_tokens + tokens, reserved_micros = h.reserved_micros + micros
        where h.mission_id = a_mission and h.path = any(an_accounts);
    insert into hekaton.call (mission_id, id, path, accounts, agent, role, model, reserved_tokens, reserved_micros, token)
        values (a_mission, a_call, a_path, an_accounts, an_agent, a_role, a_model, tokens, micros, a_token);
end $$;

-- Close a call once: settle at usage, release, or charge its reservation ('unknown').
-- What a server billed beyond the worst case goes to `overrun` where the cap has no room for it.
create function hekaton.close_call(
    a_mission text, a_call text, a_state text, prompt bigint, completion bigint, a_micros bigint, is_estimated boolean)
returns bigint language plpgsql as $$
declare
    c hekaton.call%rowtype;
    tokens bigint;
    money bigint;
    beyond bigint := 0;
begin
    select * into c from hekaton.call where mission_id = a_mission and id = a_call and state = 'open' for update;
    if not found then return 0; end if;
    tokens := case a_state when 'settled' then prompt + completion when 'unknown' then c.reserved_tokens else 0 end;
    money := case a_state when 'settled' then a_micros when 'unknown' then c.reserved_micros else 0 end;
    update hekaton.call set state = a_state, prompt_tokens = prompt, completion_tokens = completion,
        micros = money, estimated = is_estimated, closed_at = clock_timestamp()
        where mission_id = a_mission and id = a_call;
    perform 1 from hekaton.account
        where mission_id = a_mission and path = any(c.accounts) order by path for update;
    update hekaton.account h set
        reserved_tokens = h.reserved_tokens - c.reserved_tokens,
        reserved_micros = h.reserved_micros - c.reserved_micros,
        spent_tokens = least(h.spent_tokens + tokens, coalesce(h.cap_tokens - h.reserved_tokens + c.reserved_tokens, h.spent_tokens + tokens)),
        spent_micros = least(h.spent_micros + money, coalesce(h.cap_micros - h.reserved_micros + c.reserved_micros, h.spent_micros + money)),
        overrun_tokens = h.overrun_tokens + greatest(0, coalesce(h.spent_tokens + tokens + h.reserved_tokens - c.reserved_tokens - h.cap_tokens, 0)),
        overrun_micros = h.overrun_micros + greatest(0, coalesce(h.spent_micros + money + h.reserved_micros - c.reserved_micros - h.cap_micros, 0))
        where h.mission_id = a_mission and h.path = any(c.accounts);
    if tokens > c.reserved_tokens then beyond := tokens - c.reserved_tokens; end if;
    return beyond;
end $$;

-- Close a call and append the result it led to, in one transaction -> as hekaton.append, or 'overrun'.
create function hekaton.finish_call(
    a_mission text, a_token bigint, a_call text, a_state text, prompt bigint, completion bigint,
    a_micros bigint, is_estimated boolean, a_path text, a_fingerprint bytea, a_body bytea)
returns text language plpgsql as $$
declare
    written text := hekaton.append(a_mission, a_token, a_path, a_fingerprint, a_body);
begin
    if written = 'appended' and
       hekaton.close_call(a_mission, a_call, a_state, prompt, completion, a_micros, is_estimated) > 0 then
        return 'overrun';
    end if;
    return written;
end $$;

-- After a takeover: calls whose outcome nobody can tell stay charged at their reservation.
create function hekaton.forfeit(a_mission text, a_token bigint) returns integer
language plpgsql as $$
declare
    a_call text;
    many integer := 0;
begin
    if not hekaton.owns(a_mission, a_token) then return -1; end if;
    for a_call in select id from hekaton.call where mission_id = a_mission and state = 'open' order by id loop
        perform hekaton.close_call(a_mission, a_call, 'unknown', 0, 0, 0, false);
        many := many + 1;
    end loop;
    return many;
end $$;
