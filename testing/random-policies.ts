/** For tests: a small community under random row level security, in which people block, mute, dismiss, write, edit and delete. */
import type pg from "pg";
import { Random } from "../trainer/models/nn/random.ts";
import { uuid } from "./community.ts";
import { anyMute, anySpelling, anyText, languages, pick, some, tags, unitVector, words } from "./random-values.ts";

export type Client = Pick<pg.ClientBase, "query">;

/** Whom the database takes for the caller; a visitor has no more than a role. */
export interface PolicyCaller {
  sub?: string;
  role: "authenticated" | "anon";
  tenant?: string;
}

/** A post, as a plain select shows it to a caller. */
export interface PolicyPost {
  id: string;
  author_id: string | null;
  /** As the app's view shows it to them. */
  title: string;
  /** Whether that differs from the title itself. */
  is_masked: boolean;
  tags: string[];
  language: string | null;
  description: string;
  /** In milliseconds. */
  created_at: number;
}

const tenants = ["north", "south", "east"];
const teams = ["red", "blue", "green", "grey"];
/** Select policies on posts of which a community has some. Those that read other tables are not for visitors, who may not read these. */
const claim = "(select nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'tenant')";
const permissive = [
  "visibility = 'public'",
  "author_id = (select auth.uid())",
  `tenant = ${claim}`,
  "exists (select from public.memberships where memberships.team = posts.team and memberships.user_id = (select auth.uid()))",
  "posts.team in (select memberships.team from public.memberships)",
  // organisations: of one, and of several
  "team = (select min(memberships.team) from public.memberships where memberships.user_id = (select auth.uid()))",
  "team = any (array(select memberships.team from public.memberships where memberships.user_id = (select auth.uid())))",
  "visibility = 'public' and now() between visible_from and visible_until",
  "exists (select from public.profiles where profiles.id = posts.author_id and profiles.bio = 'open')",
];
const restrictive = [
  `tenant is null or tenant = ${claim}`,
  "visible_until > now()",
  "not (team = 'grey' and visibility = 'private')",
  "cardinality(tags) < 5",
];

/** Who may read the titles of posts that they may read. */
const ofTitles = [
  "posts.visibility = 'public'",
  "posts.author_id = (select auth.uid())",
  `posts.tenant = ${claim}`,
  "right(posts.id::text, 1) < '8'",
  "false",
];
const mask = "[members only]";

/** What the policies above ask for, in an app that the example app became; once a database. */
export async function addTenants(client: Client): Promise<void> {
  await client.query(`
    alter table public.mutes drop constraint mutes_kind_check;
    alter table public.posts add column tenant text, add column team text,
      add column visible_from timestamptz not null default '2000-01-01', add column visible_until timestamptz not null default '2100-01-01';
    create table public.memberships (user_id uuid not null references public.profiles (id) on delete cascade, team text not null, primary key (user_id, team));
    create index on public.posts (team);
    alter table public.memberships enable row level security;
    create policy "people read their own memberships" on public.memberships for select to authenticated using (user_id = (select auth.uid()));
    grant select on public.memberships to authenticated;
    create table public.titles (post_id uuid primary key references public.posts (id) on delete cascade, title text not null);
    alter table public.titles enable row level security;
    grant select on public.titles to authenticated, anon, service_role;
    create function public.keep_title() returns trigger language plpgsql security definer set search_path = '' as $$
    begin
      insert into public.titles values (new.id, new.title) on conflict (post_id) do update set title = excluded.title;
      return null;
    end $$;
    create trigger keep_title after insert or update of title on public.posts for each row execute function public.keep_title();
    create table public.plain_view as select pg_get_viewdef('recsys.source_posts') as definition`);
}

/** Titles: readable with their posts, masked by the view for some callers, or in a table with a policy of its own. */
async function changeTitles(client: Client, random: Random): Promise<void> {
  await client.query('drop policy if exists "of titles" on public.titles');
  const may = pick(random, ofTitles);
  const title = pick(random, [
    "posts.title",
    `case when current_user not in ('authenticated', 'anon') or ${may} then posts.title else '${mask}' end`,
    `coalesce((select titles.title from public.titles where titles.post_id = posts.id), '${mask}')`,
  ]);
  if (title.includes("public.titles"))
    await client.query(
      `create policy "of titles" on public.titles for select to authenticated using (exists (select from public.posts where posts.id = titles.post_id and (${may} or posts.team in (select memberships.team from public.memberships))))`,
    );
  const { rows } = await client.query("select definition from public.plain_view");
  const view = rows[0].definition.replace('"left"(title, 1000) AS title', `${title} as title`);
  await client.query(`create or replace view recsys.source_posts with (security_invoker = true) as ${view}`);
}

/** One of these policies says whose follows people see besides their own. */
const ofFollows = ["false", "true", "kind = 'topic'"];

/** One of these policies says what people see of each other; all see themselves. */
const ofProfiles = ["true", "bio = 'open'", "false"];

/** Replaces the policies by which posts, their titles and people are read. */
export async function changePolicies(client: Client, random: Random): Promise<void> {
  const { rows } = await client.query(
    "select tablename, policyname from pg_policies where schemaname = 'public' and tablename in ('posts', 'profiles', 'follows') and cmd = 'SELECT'",
  );
  for (const { tablename, policyname } of rows)
    await client.query(`drop policy "${policyname}" on public.${tablename}`);
  await client.query(
    `create policy "of people" on public.profiles for select to authenticated using (${pick(random, ofProfiles)} or id = (select auth.uid()))`,
  );
  await client.query(
    `create policy "of follows" on public.follows for select to authenticated using (${pick(random, ofFollows)} or user_id = (select auth.uid()))`,
  );
  const chosen = [
    pick(random, permissive),
    ...some(random, permissive, 2),
    ...some(random, restrictive, 2).map((condition) => ["restrictive", condition]),
  ];
  for (const [i, condition] of chosen.entries()) {
    const [kind, using] = typeof condition === "string" ? ["permissive", condition] : condition;
    const readsOthers = using.includes("from public.");
    const roles = readsOthers || random.below(4) === 0 ? "authenticated" : "anon, authenticated";
    await client.query(
      `create policy "policy ${i}" on public.posts as ${kind} for select to ${roles} using (${using})`,
    );
  }
  // drawn apart: all else is drawn as where no app hides a title
  await changeTitles(client, new Random(chosen.join().length));
}

/** People and posts of a new community, with vectors of the model. Times are days apart from any limit, so that none passes in a test. */
export async function fillRandomCommunity(client: Client, random: Random, modelId: number): Promise<string[]> {
  const people = Array.from({ length: 12 + random.below(20) }, (_, n) => uuid("a", n));
  await client.query(
    `insert into public.profiles (id, passions, bio, created_at)
     select id, '{chess}', case when number % 3 = 0 then 'open' else 'I play' end, now() - interval '400 days' from unnest($1::uuid[]) with ordinality as list (id, number)`,
    [people],
  );
  for (const id of people)
    for (const team of some(random, teams, 2))
      await client.query("insert into public.memberships values ($1, $2) on conflict do nothing", [id, team]);
  // a few have no vector yet
  const placed = people.filter(() => random.below(10) > 0);
  await client.query(
    `insert into recsys.user_embeddings (model_id, user_id, embedding)
     select $1, id, vector::extensions.vector from unnest($2::uuid[], $3::text[]) as person (id, vector)`,
    [modelId, placed, placed.map(() => JSON.stringify(unitVector(random)))],
  );
  await addPosts(client, random, people, modelId, pick(random, [15, 60, 200, 400, 800]));
  const events = random.below(400);
  await client.query("select setseed($1)", [random.uniform()]);
  for (const [table, share] of [
    ["post_views", 0.7],
    ["post_votes", 0.2],
    ["comments", 0.1],
  ] as const)
    await client.query(
      `insert into public.${table} (user_id, post_id, created_at)
       select people.id, posts.id, now() - random() * interval '20 days'
       from (select number, random() as who, random() as what from generate_series(1, $1) as number) as drawn
       join (select id, row_number() over (order by id) - 1 as number, count(*) over () as count from public.profiles) as people on people.number = floor(drawn.who * people.count)
       join (select id, row_number() over (order by id) - 1 as number, count(*) over () as count from public.posts) as posts on posts.number = floor(drawn.what ^ 2 * posts.count)`,
      [Math.floor(share * events)],
    );
  await client.query(
    `insert into public.follows (user_id, kind, target)
     select people.id, targets.kind, targets.target
     from unnest($1::uuid[]) as people (id)
     cross join (select 'person', id from unnest($1::text[]) as id union all select case when md5($3 || tag) < '4' then 'group' else 'topic' end, tag from unnest($2::text[]) as tag) as targets (kind, target)
     where people.id::text <> targets.target and md5(people.id || targets.target || $3) < '2'`,
    [people, tags, random.below(1e9)],
  );
  await client.query(
    `create table recsys_engine.post_neighbours_${modelId} partition of recsys_engine.post_neighbours for values in (${modelId})`,
  );
  await client.query(
    `insert into recsys_engine.post_neighbours
     select $1, one.id, other.id, 1 + hash % 3
     from public.posts as one
     join public.posts as other on other.id <> one.id
     cross join lateral (select abs(hashtext(one.id::text || other.id)) as hash) as hashed
     where hash / 3 % (1 + (select count(*) from public.posts) / 20) = 0`,
    [modelId],
  );
  await client.query("select recsys.roll_up(null)");
  // a user who may read few posts compared with what statistics know of gets candidates from these
  if (random.below(2) === 0) await client.query("analyze recsys_engine.latest_post_stats");
  return people;
}

async function addPosts(client: Client, random: Random, people: string[], modelId: number, count: number) {
  const hidden = pick(random, [0.1, 0.5, 0.9]);
  const posts = Array.from({ length: count }, () => ({
    id: uuid("b", random.below(1e9)),
    author_id: random.below(15) === 0 ? null : pick(random, people),
    title: [`post ${random.below(60)}`, ...some(random, words, 3)].join(pick(random, [" ", ", ", "  "])),
    tags: some(random, tags.slice(0, 8 + random.below(4)), 5),
    language: pick(random, languages),
    visibility: random.uniform() < hidden ? "private" : "public",
    tenant: pick(random, [...tenants, null]),
    team: pick(random, [...teams, null]),
    // from yesterday to 300 days ago, or a little in the future
    hours: random.below(60) === 0 ? -48 : 1 + random.below(24 * pick(random, [2, 30, 300])),
    from: pick(random, [-2, -1, 1]),
    until: pick(random, [-1, 1, 2]),
  }));
  const columns = JSON.stringify(
    posts.map((post) => ({ ...post, title: anySpelling(post.id, post.title), description: anyText(post.id) })),
  );
  await client.query(
    `insert into public.posts (id, author_id, title, description, tags, language, visibility, tenant, team, created_at, visible_from, visible_until)
     select id, author_id, title, description, tags, language, visibility, tenant, team, now() - hours * interval '1 hour' - interval '1 second' * (hashtext(id::text) % 1000) / 1000.0,
       now() + "from" * interval '1 day', now() + until * interval '1 day'
     from jsonb_to_recordset($1::jsonb) as post (id uuid, author_id uuid, title text, description text, tags text[], language text, visibility text, tenant text, team text, hours integer, "from" integer, until integer)
     on conflict do nothing`,
    [columns],
  );
  // a few wait for theirs
  const embedded = posts.filter(() => random.below(20) > 0);
  await client.query(
    `insert into recsys.post_embeddings (model_id, post_id, embedding)
     select $1, id, vector::extensions.vector from unnest($2::uuid[], $3::text[]) as post (id, vector) on conflict do nothing`,
    [modelId, embedded.map(({ id }) => id), embedded.map(() => JSON.stringify(unitVector(random)))],
  );
}

const anyPost = (random: Random) =>
  `(select id from public.posts order by md5(id::text || ${random.below(1e9)}) limit 1)`;

/** Something changes; says what. */
export async function changeSomething(
  client: Client,
  random: Random,
  people: string[],
  modelId: number,
): Promise<string> {
  const person = pick(random, people);
  const changes: Record<string, () => Promise<unknown>> = {
    "word muted": () => mute(client, person, ...anyMute(random)),
    "topic muted": () => mute(client, person, "topic", pick(random, tags)),
    "person blocked": () => mute(client, person, "person", pick(random, people)),
    "mute taken back": () => client.query("delete from public.mutes where user_id = $1 and random() < 0.5", [person]),
    "all mutes taken back": () => client.query("delete from public.mutes where user_id = $1", [person]),
    "post deleted": () => client.query(`delete from public.posts where id = ${anyPost(random)}`),
    "posts deleted": () =>
      client.query("delete from public.posts where md5(id::text || $1) < '08'", [random.below(1e9)]),
    "post hidden or shown": () =>
      client.query(
        `update public.posts set visibility = case visibility when 'public' then 'private' else 'public' end where md5(id::text || $1) < '2'`,
        [random.below(1e9)],
      ),
    "post moved": () =>
      client.query("update public.posts set tenant = $1, team = $2 where md5(id::text || $3) < '1'", [
        pick(random, [...tenants, null]),
        pick(random, [...teams, null]),
        random.below(1e9),
      ]),
    "post edited": () =>
      client.query(`update public.posts set title = $1, tags = $2, language = $3 where id = ${anyPost(random)}`, [
        some(random, words, 3).join(" "),
        some(random, tags, 4),
        pick(random, languages),
      ]),
    "time limit moved": () =>
      client.query(
        "update public.posts set visible_until = now() + $1 * interval '1 day' where md5(id::text || $2) < '1'",
        [pick(random, [-1, 1]), random.below(1e9)],
      ),
    joined: () =>
      client.query("insert into public.memberships values ($1, $2) on conflict do nothing", [
        person,
        pick(random, teams),
      ]),
    left: () => client.query("delete from public.memberships where user_id = $1", [person]),
    "went over to another": () => goOver(client, random, person),
    "policies changed": () => changePolicies(client, random),
    written: () => addPosts(client, random, people, modelId, 1 + random.below(20)),
    followed: () =>
      client.query(
        `insert into public.follows (user_id, kind, target)
         select $1::uuid, 'person', id from unnest($2::text[]) as id where id <> $1::text and md5(id || $3) < '8' on conflict do nothing`,
        [person, people, random.below(1e9)],
      ),
    "topics and groups followed": () =>
      client.query(
        `insert into public.follows (user_id, kind, target)
         select $1, case when md5($3 || tag) < '4' then 'group' else 'topic' end, tag from unnest($2::text[]) as tag where md5(tag || $3) < '4' on conflict do nothing`,
        [person, tags, random.below(1e9)],
      ),
    unfollowed: () => client.query("delete from public.follows where user_id = $1 and random() < 0.5", [person]),
    // which is read with its post
    commented: () =>
      client.query(
        `insert into public.comments (user_id, post_id, created_at) select $1, id, now() - interval '1 minute' from public.posts where md5(id::text || $2) < '1'`,
        [person, random.below(1e9)],
      ),
    dismissed: () =>
      client.query(
        `insert into recsys.dismissals select $1, id, now() - interval '1 minute' from (select ${anyPost(random)} as id) as post where id is not null on conflict do nothing`,
        [person],
      ),
    viewed: () =>
      client.query(
        `insert into public.post_views (user_id, post_id, created_at) select $1, id, now() - interval '1 minute' from (select ${anyPost(random)} as id) as post where id is not null`,
        [person],
      ),
    seen: () =>
      client.query(
        `insert into recsys.impressions (request_id, user_id, post_id, position, shown_at, seen_at)
         select gen_random_uuid(), $1, id, 1, now() - interval '1 hour', now() - interval '1 hour' from (select ${anyPost(random)} as id) as post where id is not null`,
        [person],
      ),
    "preferences taken back": () => client.query("delete from public.preferences where random() < 0.7"),
    preferred: () =>
      client.query(
        `insert into public.preferences (user_id, kind, value) select $1, kind, value from (values ('feed', $2), ($3, $4)) as wanted (kind, value)
         where value <> 'personal' on conflict do nothing`,
        [
          person,
          pick(random, ["personal", "following", "impersonal"]),
          pick(random, ["more", "less"]),
          pick(random, tags),
        ],
      ),
    withheld: () =>
      client.query(
        `insert into public.withheld (author_id, post_id)
         select author_id, case when $3 then id end from public.posts where author_id = $1 and md5(id::text || $2) < '2' on conflict do nothing`,
        [person, random.below(1e9), random.below(4) > 0],
      ),
    "no more withheld": () => client.query("delete from public.withheld where random() < 0.7"),
    "rolled up": () => client.query("select recsys.roll_up()"),
    erased: () => client.query("select recsys.erase()"),
    "lists made": () => makeLists(client, random, people, modelId),
  };
  const name = pick(random, Object.keys(changes));
  await changes[name]?.();
  return name;
}

/** A person leaves all teams for another one. */
export async function goOver(client: Client, random: Random, person: string): Promise<void> {
  await client.query("delete from public.memberships where user_id = $1", [person]);
  await client.query("insert into public.memberships values ($1, $2)", [person, pick(random, teams)]);
}

async function mute(client: Client, person: string, kind: string, value: string) {
  await client.query("insert into public.mutes (user_id, kind, value) values ($1, $2, $3) on conflict do nothing", [
    person,
    kind,
    value,
  ]);
}

/** A list made ahead for everybody, of any posts: as if all could be read when it was made. */
async function makeLists(client: Client, random: Random, people: string[], modelId: number): Promise<void> {
  await client.query(
    `with run as (
       insert into recsys_engine.batch_runs (model_id, model_name, as_of, status) values ($1, 'tiny', now(), 'finished') returning run_id
     ),
     listed as (select array_agg(id) as ids from (select id from public.posts order by md5(id::text || $3) limit 75) as any_posts)
     insert into recsys.batch_recommendations (user_id, run_id, model_id, made_at, basis, post_ids, scores, views, votes, comments, sources)
     select person, run_id, $1, now(), 'history', ids, ones, ones, ones, ones, array(select 'fresh' from unnest(ids))
     from run cross join listed cross join unnest($2::uuid[]) as person cross join lateral (select array(select 1::real from unnest(ids)) as ones) as one
     where ids is not null
     on conflict (user_id) do update set run_id = excluded.run_id, post_ids = excluded.post_ids, scores = excluded.scores, views = excluded.views,
       votes = excluded.votes, comments = excluded.comments, sources = excluded.sources`,
    [modelId, people, random.below(1e9)],
  );
}

/** What a caller may read, by a plain select, under their own role and claims: the client is in a transaction of theirs. */
export async function readable(client: Client): Promise<PolicyPost[]> {
  const { rows } = await client.query(
    `select posts.id, posts.author_id, shown.title, shown.title <> posts.title as is_masked, posts.description, posts.tags, posts.language,
       1000 * extract(epoch from posts.created_at)::double precision as created_at
     from public.posts join recsys.source_posts as shown on shown.post_id = posts.id where posts.created_at <= now()`,
  );
  return rows;
}

/** Reads under the caller's role the titles and texts that identify copies of posts. */
export async function originalsOf(client: Client, ids: Iterable<string>): Promise<Original[]> {
  const { rows } = await client.query("select title, description from recsys.source_posts where post_id = any ($1)", [
    [...ids],
  ]);
  return rows;
}
export type Original = Pick<PolicyPost, "title" | "description">;
