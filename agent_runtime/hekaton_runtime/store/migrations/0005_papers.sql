-- What a mission leaves, for whoever cannot reach its files: the operator, and a person by way of it.
create table hekaton.paper (
    mission_id text not null references hekaton.mission (id) on delete cascade,
    name       text not null,
    content    bytea not null,
    primary key (mission_id, name)
);

-- The repository of a mission whose conductor may come back on another machine: one git bundle for
-- each move of a branch, each on top of those before it. An empty content is a commit that can be
-- fetched from where the mission came from.
create table hekaton.saved (
    mission_id text not null references hekaton.mission (id) on delete cascade,
    seq        bigint generated always as identity,
    branch     text not null,
    commit     text not null,
    content    bytea not null,
    primary key (mission_id, branch, commit)
);

-- Both are written by the owner alone, and again without harm -> false when it is no owner any more.
create function hekaton.put_paper(a_mission text, a_token bigint, a_name text, a_content bytea) returns boolean
language plpgsql as $$
begin
    if not hekaton.owns(a_mission, a_token) then return false; end if;
    insert into hekaton.paper values (a_mission, a_name, a_content)
        on conflict (mission_id, name) do update set content = excluded.content;
    return true;
end $$;

create function hekaton.save(a_mission text, a_token bigint, a_branch text, a_commit text, a_content bytea)
returns boolean language plpgsql as $$
begin
    if not hekaton.owns(a_mission, a_token) then return false; end if;
    insert into hekaton.saved (mission_id, branch, commit, content)
        values (a_mission, a_branch, a_commit, a_content) on conflict do nothing;
    return true;
end $$;
