-- Tenants: a role for each namespace of a cluster, whose conductors see their own missions and nothing else. Whoever
-- owns the tables (a laptop, the operator) is exempt and pays nothing. Functions run with the rights of their caller.
alter table hekaton.mission add column tenant name not null default current_user;
create index mission_by_tenant on hekaton.mission (tenant);

-- An id is taken by whoever used it first, and so are the ids of its later attempts: ids are told to everybody who
-- listens, and a row that somebody else made there would pass for the mission's own.
create function hekaton.is_free(an_id text) returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select not exists (
        select from hekaton.mission m
        where m.id in (an_id, regexp_replace(an_id, '-r[0-9]+$', '')) and m.tenant <> session_user)
$$;

alter table hekaton.mission enable row level security;
create policy own on hekaton.mission using (tenant = current_user);
create policy free on hekaton.mission as restrictive for insert with check (hekaton.is_free(id));

-- Parts belong to whom the mission belongs, which is looked up by its primary key.
do $$
declare
    part text;
begin
    foreach part in array array['lease', 'journal', 'account', 'call', 'paper', 'saved'] loop
        execute format('alter table hekaton.%I enable row level security', part);
        execute format('create policy own on hekaton.%I using ('
                       'exists (select from hekaton.mission m where m.id = mission_id))', part);
    end loop;
end $$;
alter table hekaton.submission enable row level security;  -- the service's alone: no policy lets anybody in
alter view hekaton.mission_status set (security_invoker = true);
alter view hekaton.prunable set (security_invoker = true);

-- What conductors do with tables. Their role has no right of its own: one role of this database holds them all, since
-- a list of hundreds of roles does not fit into a table's entry in the catalog.
create function hekaton.let_in(everybody text) returns void language plpgsql as $$
declare
    need record;
begin
    if not exists (select from pg_roles where rolname = everybody) then
        execute format('create role %I nologin', everybody);
    end if;
    if not has_schema_privilege(everybody, 'hekaton', 'usage') then
        execute format('grant usage on schema hekaton to %I', everybody);
    end if;
    for need in
        select place, what from (values
            ('migration', 'select'), ('mission_status', 'select'), ('mission', 'select,insert,update'),
            ('lease', 'select,insert,update'), ('journal', 'select,insert'), ('account', 'select,insert,update'),
            ('call', 'select,insert,update,delete'), ('paper', 'select,insert,update'), ('saved', 'select,insert')
        ) as needs (place, list), unnest(string_to_array(list, ',')) what
        where not has_table_privilege(everybody, 'hekaton.' || place, what)
    loop
        execute format('grant %s on hekaton.%I to %I', need.what, need.place, everybody);
    end loop;
end $$;

-- Make a namespace's role or bring it up to date, and give it the missions that its namespace had before there were
-- roles -> how many. The password comes as a SCRAM verifier, so that no log and no error can show it.
create function hekaton.tenant(a_role text, verifier text, a_namespace text) returns bigint language plpgsql as $$
declare
    everybody text := left(current_database(), 61) || '.*';
    many bigint;
begin
    perform pg_advisory_xact_lock(hashtextextended('hekaton.tenant', 0));
    perform hekaton.let_in(everybody);
    if not exists (select from pg_roles where rolname = a_role) then
        execute format('create role %I nosuperuser nocreatedb nocreaterole noreplication nobypassrls', a_role);
        execute format('grant %I to %I', everybody, a_role);
    elsif not exists (select from pg_auth_members
                      where roleid = to_regrole(quote_ident(everybody)) and member = to_regrole(quote_ident(a_role))) then
        raise exception 'role "%" exists and is no member of "%"', a_role, everybody using errcode = 'duplicate_object';
    end if;
    begin
        execute format('alter role %I login connection limit %s password %L', a_role,
                       greatest(10, current_setting('max_connections')::integer / 2), verifier);
    exception when others then  -- whose own text would quote the statement
        raise exception using errcode = sqlstate, message = sqlerrm;
    end;
    update hekaton.mission set tenant = a_role
        where tenant = current_user and document -> 'metadata' ->> 'namespace' = a_namespace;
    get diagnostics many = row_count;
    return many;
end $$;
revoke execute on function hekaton.let_in, hekaton.tenant from public;
