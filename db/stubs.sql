-- What a Supabase project has by itself, for a plain PostgreSQL and for the embedded one: roles, auth.users, auth.uid() and its
-- kin, the schema extensions. Each is made only where it is absent, so on a real project this file changes nothing.

do $$
declare
  missing text;
begin
  foreach missing in array array['anon', 'authenticated', 'service_role'] loop
    if not exists (select from pg_catalog.pg_roles where rolname = missing) then
      begin
        execute format('create role %I nologin noinherit', missing);
        if missing = 'service_role' then
          alter role service_role bypassrls;
        end if;
      exception
        -- roles belong to the whole cluster: another database's set-up may be making them right now
        when duplicate_object or unique_violation then null;
      end;
    end if;
    if not pg_catalog.pg_has_role(current_user, missing, 'member') then
      execute format('grant %I to current_user', missing);
    end if;
  end loop;

  if pg_catalog.to_regnamespace('extensions') is null then
    create schema extensions;
    grant usage on schema extensions to anon, authenticated, service_role;
  end if;

  if pg_catalog.to_regnamespace('auth') is null then
    create schema auth;
    grant usage on schema auth to anon, authenticated, service_role;
  end if;

  if pg_catalog.to_regclass('auth.users') is null then
    create table auth.users (
      id uuid primary key,
      email text unique,
      raw_user_meta_data jsonb,
      created_at timestamptz default now()
    );
    alter table auth.users enable row level security;
  end if;

  -- the claims of a request are a setting of its transaction, as PostgREST leaves them. Without a search_path of their own, as on
  -- Supabase, they become part of the policy that asks; with one, each policy of a statement called them again
  if pg_catalog.to_regprocedure('auth.jwt()') is null then
    create function auth.jwt() returns jsonb
    language sql stable
    as $f$ select nullif(pg_catalog.current_setting('request.jwt.claims', true), '')::jsonb $f$;
  end if;

  if pg_catalog.to_regprocedure('auth.uid()') is null then
    create function auth.uid() returns uuid
    language sql stable
    as $f$ select (nullif(pg_catalog.current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid $f$;
  end if;

  if pg_catalog.to_regprocedure('auth.role()') is null then
    create function auth.role() returns text
    language sql stable
    as $f$ select auth.jwt() ->> 'role' $f$;
  end if;
end
$$;
