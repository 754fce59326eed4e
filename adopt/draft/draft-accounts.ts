/** recsys.source_users of an app that knows its people by their accounts alone: over a small table of its own beside auth.users. */

import type { Roles } from "../find/find-roles.ts";
import type { Draft } from "./draft.ts";
import { soundTime } from "./sql-text.ts";

/** Whether the app's tables name people by what has to be the uuid of auth.users. */
export function namesAccounts({ people, posts, actions }: Roles): boolean {
  return people === undefined && (posts?.author !== undefined || actions.deeds.length > 0);
}

/**
 * A view of auth.users itself would need members to read that table, with everybody's address and the hash of their password, and one of those
 * who wrote or did something would leave out whoever has just signed up. So people get a table of two columns, which a trigger fills; a
 * project's owner may put one on auth.users, but not drop it again, so what it calls can be dropped in its place.
 */
export function draftAccounts(draft: Draft): void {
  const texts = draft.doubt(
    "auth.users",
    "the app has no table of people, so public.recsys_people is made, with an id and a time; what people said of themselves when they signed up (raw_user_meta_data) is under keys that only the app knows, and left out: add columns for it, and show them as bio or passions",
  );
  const rights = draft.doubt(
    "public.recsys_people",
    "people read their own row alone, so nobody is shown people like them: a policy of yours may let them",
  );
  draft.lines.push(
    `-- People: who has an account, and since when.${texts}`,
    "create table public.recsys_people (id uuid primary key references auth.users (id) on delete cascade, created_at timestamptz not null default now());",
    "comment on table public.recsys_people is 'Who has an account, for recsys.source_users: members may not read auth.users.';",
    "alter table public.recsys_people enable row level security;",
    `create policy "people read their own row" on public.recsys_people for select to authenticated using (id = (select auth.uid()));${rights}`,
    "revoke all on public.recsys_people from anon, authenticated;",
    "grant select on public.recsys_people to authenticated, service_role;",
    "",
    "create function public.recsys_people_of_accounts() returns trigger",
    "-- definer: accounts are made by Supabase Auth, which has no rights on the app's tables",
    "language plpgsql volatile security definer set search_path = ''",
    "as $$",
    "begin",
    "  insert into public.recsys_people (id, created_at)",
    "  select new_rows.id, coalesce(new_rows.created_at, now()) from new_rows",
    "  on conflict (id) do nothing;",
    "  return null;",
    "exception when others then",
    "  -- whatever is wrong here, nobody is kept from signing up",
    "  raise warning 'public.recsys_people: %', sqlerrm;",
    "  return null;",
    "end",
    "$$;",
    "comment on function public.recsys_people_of_accounts() is 'Trigger of auth.users: a new account is one of public.recsys_people. To be rid of both: drop function public.recsys_people_of_accounts cascade.';",
    "revoke all on function public.recsys_people_of_accounts() from public, anon, authenticated;",
    "create trigger recsys_people_of_accounts after insert on auth.users",
    "referencing new table as new_rows for each statement execute function public.recsys_people_of_accounts();",
    "insert into public.recsys_people (id, created_at) select users.id, coalesce(users.created_at, now()) from auth.users on conflict (id) do nothing;",
    "",
    "create or replace view recsys.source_users with (security_invoker = true) as",
    "select",
    "  recsys_people.id as user_id,",
    "  null::text as external_id,",
    "  null::text[] as passions,",
    "  null::text[] as projects,",
    "  ''::text as bio,",
    "  recsys_people.created_at",
    "from public.recsys_people",
    `where ${soundTime("recsys_people.created_at")};`,
    "select recsys.watch('public.recsys_people', 'users', p_texts => '{}');",
    "",
  );
}
