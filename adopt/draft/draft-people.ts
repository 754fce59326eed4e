/** recsys.source_users of an app that knows its people by their accounts alone: over a small table of its own that stands next to auth.users. */
import { isOnce } from "../catalog/catalog.ts";
import { createdOf, visibleRowConditions } from "../catalog/pick-columns.ts";
import { at, identifier, qualified } from "../catalog/quote.ts";
import { type People, type Profile, type SelfTexts, selfTextsAlone, selfTextsOf } from "../find/find-people.ts";
import type { Roles } from "../find/find-roles.ts";
import { type Draft, noUuid, shownTime, watchSql } from "./draft.ts";
import { watchUserVectors } from "./draft-vectors.ts";
import { personId, shownPerson } from "./shown-person.ts";
import { conditionSql, joinedAlias, listSql, soundTime, stringSql, textSql } from "./sql-text.ts";

export function draftPeople(draft: Draft, roles: Roles): void {
  const { people } = roles;
  if (namesAccounts(roles)) {
    draftAccounts(draft);
    draft.lines.push(...watchUserVectors(draft, roles));
    return;
  }
  if (!people) {
    draft.doubt(
      "people",
      "no table of people was found, and none that names people by their uuid of auth.users: say in recsys.source_users who they are",
    );
    draft.lines.push(
      "-- People: no table of them was found, nor who wrote or did anything. Until recsys.source_users shows them, nobody is recommended anything.",
      "",
    );
    return;
  }
  const { table, key, userId, sure } = people;
  const alias = table.name;
  draft.read.add(table);
  const id = personId(draft, people, alias);
  const standsIn = userId && id.watched === "recsys_user_id" && !userId.notNull;
  const idDoubt = userId
    ? sure
      ? standsIn
        ? draft.doubt(
            table,
            `whoever has no ${userId.name} is known by an id made of ${key.name}: they can be muted and followed, and what they did counts, but they ask for no feed`,
          )
        : ""
      : draft.doubt(
          table,
          `${userId.name} is taken for the uuid of auth.users, which user_id has to be; no foreign key or policy says so`,
        )
    : draft.doubt(
        table,
        `user_id has to be the uuid of auth.users, and no column is; made of ${key.name} here, which is nobody's auth.uid()`,
      );
  const several = severalRows(draft, people);
  const profile = roles.profile && joinedProfile(draft, people, roles.profile, alias);
  const own = profile ? selfTextsOf(table, true) : selfTextsAlone(table);
  const created = createdOf(table);
  const time = created && shownTime(draft, table, alias, created);
  const timeDoubt = time ? time.note : draft.doubt(table, "nothing says when somebody signed up; 2000 stands in");
  const conditions = visibleRowConditions(table).filter(({ test }) => test !== "true");
  const since = created
    ? created.column.notNull && !created.form
      ? time?.sql
      : `coalesce(${time?.sql}, '2000-01-01 00:00Z')`
    : "timestamptz '2000-01-01 00:00Z'";
  draft.uses.push({
    table,
    as: "people",
    where: conditions.map((condition) => conditionSql(alias, condition)),
  });
  draft.lines.push(
    "create or replace view recsys.source_users with (security_invoker = true) as",
    several ? `select distinct on (${id.sql})${several}` : "select",
    `  ${id.sql} as user_id,${idDoubt}`,
    "  null::text as external_id,",
    `  ${interestsSql(alias, own) ?? profile?.interests ?? "null::text[]"} as passions,`,
    "  null::text[] as projects,",
    `  ${bioSql(profile ? [profile.texts, own] : [own], profile ? [profile.alias, alias] : [alias])} as bio,${profile?.note ?? ""}`,
    `  ${since} as created_at${timeDoubt}`,
    `from ${qualified(table)} as ${identifier(alias)}`,
    ...(profile ? [profile.join] : []),
    `where ${[`${id.sql} is not null`, ...conditions.map((condition) => conditionSql(alias, condition)), ...(created ? [soundTime(since as string)] : [])].join("\n  and ")}${several ? `\norder by ${id.sql}, ${since}, ${at(alias, key)}` : ""};`,
    watchSql(
      draft,
      table,
      "users",
      { id: id.watched, texts: namesOf(own), others: conditions.map(({ column }) => column.name) },
      "its key is worked out by the table itself",
    ),
    ...(profile ? [profile.watch] : []),
    ...watchUserVectors(draft, roles),
    "",
  );
}

/** Where an account may have a row for each tenant: the comment that says so; otherwise none. */
function severalRows(draft: Draft, { table, userId }: People): string {
  if (!userId || isOnce(table, userId)) return "";
  const by = table.uniqueTogether.find((names) => names.includes(userId.name));
  const counted = table.compared?.severalRows ?? 0;
  if (!by && counted === 0) return "";
  const others = (by ?? []).filter((name) => name !== userId.name);
  return draft.doubt(
    table,
    `an account may have several rows${others.length > 0 ? `, one for each ${others.join(", ")}` : ""}${counted > 0 ? ` (${counted} have)` : ""}: they are one person here, whose oldest row is shown`,
  );
}

function namesOf({ interests, bio, location }: SelfTexts): string[] {
  return [interests, bio, location].flatMap((column) => column?.name ?? []);
}

/** The second table with one row for each person, joined to the first. */
function joinedProfile(draft: Draft, { key, userId }: People, texts: Profile, alias: string) {
  const { table, person, bio, location } = texts;
  const profile = joinedAlias(alias, "profile", "self");
  draft.read.add(table);
  const user = shownPerson(draft, table, table.name, person);
  draft.uses.push({ table, as: "what people say of themselves", where: [], person });
  const by = person.holds === "user id" ? (userId ?? key) : key;
  return {
    alias: profile,
    texts,
    interests: interestsSql(profile, texts),
    join: `left join ${qualified(table)} as ${identifier(profile)} on ${at(profile, person.column)} = ${at(alias, by)}`,
    note: draft.doubt(
      table,
      `what people say of themselves is taken from here: ${[bio, location].flatMap((column) => column?.name ?? []).join(", ")}`,
    ),
    watch: watchSql(
      draft,
      table,
      "user_texts",
      { user: user.watched, texts: namesOf(texts), lookup: user.lookup },
      noUuid,
    ),
  };
}

function interestsSql(alias: string, { interests }: SelfTexts): string | undefined {
  return interests && listSql(at(alias, interests), interests);
}

/** What people say of themselves, with where they are. */
function bioSql(selves: SelfTexts[], aliases: string[]): string {
  const said = (["bio", "location"] as const).flatMap((what) =>
    selves
      .flatMap((self, number) => {
        const column = self[what];
        return column ? [{ sql: at(aliases[number], column), column }] : [];
      })
      .slice(0, 1),
  );
  if (said.length === 0) return "''::text";
  if (said.length === 1) return textSql(said[0].sql, said[0].column, 50000);
  return `left(concat_ws(E'\\n', ${said.map(({ sql, column }) => stringSql(sql, column)).join(", ")}), 50000)`;
}

/** Whether the app's tables name people by what has to be the uuid of auth.users. */
export function namesAccounts({ people, contents, actions }: Roles): boolean {
  return people === undefined && (contents.some(({ author }) => author !== undefined) || actions.deeds.length > 0);
}

/**
 * A table of two columns that a trigger fills holds the people. A view of auth.users would show members every address and password
 * hash. A project's owner may create a trigger on auth.users but not drop it; the function that it calls can be dropped instead.
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
