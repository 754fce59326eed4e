/** recsys.check() over the blog of docs/adopting.md: each thing that can be wrong is named, with its cure, which mends it. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import type pg from "pg";
import { adoptedBlog } from "../adopt/testing-blog.ts";
import type { CheckRow } from "../cli/commands/check.ts";
import type { Database } from "./connect.ts";
import { withoutPostgres } from "./testing.ts";

const skip = await withoutPostgres();
let database: Database;
const cleanings: (() => Promise<void>)[] = [];
before(async () => {
  if (!skip) database = await adoptedBlog({ after: (clean) => void cleanings.unshift(clean) }, "check");
});
test.after(async () => {
  for (const clean of cleanings) await clean();
});

/** What is found in the blog as it is, in which each test leaves nothing behind. */
let foundBefore: Promise<Set<string>> | undefined;

/** What is found after `broken` that was not found before; all is rolled back. `cure` mends it. */
async function found(broken: string, cure?: string): Promise<CheckRow[]> {
  const client = await database.pool.connect();
  try {
    await client.query("begin");
    foundBefore ??= findings(client).then((before) => new Set(before.map(({ problem }) => problem)));
    const known = await foundBefore;
    await client.query(broken);
    const fresh = (await findings(client)).filter(({ problem }) => !known.has(problem));
    if (cure !== undefined) {
      await client.query(cure);
      const left = (await findings(client)).filter(({ problem }) => fresh.some((one) => one.problem === problem));
      assert.deepEqual(left, [], "the cure mends it");
    }
    return fresh;
  } finally {
    await client.query("rollback");
    client.release();
  }
}

async function findings(client: pg.PoolClient): Promise<CheckRow[]> {
  return (await client.query<CheckRow>("select * from recsys.check()")).rows;
}

const posts = (columns = "", where = "posts.deleted_at is null and posts.published_at is not null") =>
  `create or replace view recsys.source_posts WITH as
   select posts.recsys_id as post_id, null::text as external_id, posts.author_id, posts.title, posts.body as description, null::text[] as tags,
     ${columns || "posts.published_at"} as created_at, null::text as language from blog.posts where ${where}`;
const invoker = "with (security_invoker = true)";
const interactions = (id: string, kind: string, post = "recsys.id_of(post_id)") =>
  `create or replace view recsys.source_interactions ${invoker} as
   select ${id} as interaction_id, member_id as user_id, ${post} as post_id, ${kind} as kind, null::real as value, created_at, null::real as weight from (
     select id, 1 as number, member_id, post_id, kind, created_at from blog.reactions union all select id, 2, member_id, post_id, 'comment', created_at from blog.comments
   ) as done`;
const numbered = "recsys.event_id_of(number, id)";

type Wrong = [name: string, broken: string, stops: boolean, problem: RegExp, cure: RegExp, mends?: string];
const wrong: Wrong[] = [
  [
    "a source view that was replaced without security_invoker",
    posts().replace("WITH", ""),
    true,
    /^recsys\.source_posts is not security_invoker: it shows everybody what its owner may see, and no feed is served from it$/,
    /^alter view recsys\.source_posts set \(security_invoker = true\) {2}-- and in your migration/,
    "alter view recsys.source_posts set (security_invoker = true)",
  ],
  [
    "one where it is off",
    "alter view recsys.source_mutes set (security_invoker = off)",
    true,
    /^recsys\.source_mutes is not security_invoker/,
    /^alter view recsys\.source_mutes/,
    "alter view recsys.source_mutes set (security_invoker = on)",
  ],
  [
    "a view of the app's between",
    `create view blog.visible as select * from blog.posts; grant select on blog.visible to authenticated, service_role;
     ${posts().replace("WITH", invoker).replace("from blog.posts", "from blog.visible as posts")}`,
    false,
    /^recsys\.source_posts reads the view blog\.visible, which is not security_invoker/,
    /^unless it says itself who sees what: alter view blog\.visible set \(security_invoker = true\)$/,
    "alter view blog.visible set (security_invoker = true)",
  ],
  [
    "no row level security",
    "alter table blog.posts disable row level security",
    false,
    /^row level security is off for blog\.posts/,
    /^unless everybody may read all of it, say in a policy who reads what; then: alter table blog\.posts enable row level security$/,
    "alter table blog.posts enable row level security",
  ],
  [
    "a table that a policy reads and people may not",
    "revoke select on blog.memberships from authenticated",
    true,
    /^authenticated may not read recsys\.source_posts: it lacks group_id, member_id of blog\.memberships$/,
    /^grant select \(group_id, member_id\) on blog\.memberships to authenticated$/,
    "grant select (group_id, member_id) on blog.memberships to authenticated",
  ],
  [
    "a table that the service may not read",
    "revoke select on blog.reads from service_role",
    true,
    /^service_role may not read recsys\.source_interactions: it lacks id, member_id, post_id, created_at of blog\.reads$/,
    /^grant select \(id, member_id, post_id, created_at\) on blog\.reads to service_role$/,
    "grant select (id, member_id, post_id, created_at) on blog.reads to service_role",
  ],
  ...[
    ["authenticated", "extensions"],
    ["authenticated", "recsys"],
    ["authenticated", "recsys_engine"],
    ["authenticated", "auth"],
    ["service_role", "extensions"],
    ["service_role", "recsys"],
    ["service_role", "recsys_engine"],
  ].map(
    ([role, schema]): Wrong => [
      `a schema that ${role} may not use: ${schema}`,
      `revoke usage on schema ${schema} from ${role}`,
      true,
      new RegExp(`^${role} may not .*: permission denied for schema ${schema}$`),
      new RegExp(`^grant usage on schema ${schema} to ${role}$`),
      `grant usage on schema ${schema} to ${role}`,
    ],
  ),
  [
    "a function that a policy calls and people may not",
    `create function blog.is_open(bigint) returns boolean language plpgsql stable as 'begin return true; end';
     create policy "open" on blog.posts as restrictive for select to authenticated using (blog.is_open(id));
     revoke execute on function blog.is_open from public`,
    true,
    /^authenticated may not read recsys\.source_posts: permission denied for function is_open$/,
    /^grant execute on function blog\.is_open\(bigint\) to authenticated$/,
    "grant execute on function blog.is_open to authenticated",
  ],
  [
    "ids that overlap between tables",
    interactions("id", "kinds.head").replace("as done", "as done join recsys.kinds using (kind)"),
    true,
    /^recsys\.source_interactions: interaction_id \d+ is there 2 times, as comment and vote$/,
    /^number the tables: recsys\.event_id_of\(1, reactions\.id\)/,
    interactions(numbered, "kinds.head").replace("as done", "as done join recsys.kinds using (kind)"),
  ],
  [
    "posts that a join doubles",
    `${posts().replace("WITH", invoker).replace("where", "join blog.tags on true where")} and posts.id < 5 and tags.post_id < 4`,
    true,
    /^recsys\.source_posts: 72656373-\S+ \(\d in the app\) is there \d+ times$/,
    /array\(select …\)/,
  ],
  [
    "kinds that are none of the ranker's",
    interactions(numbered, "kind"),
    true,
    /^recsys\.source_interactions: \d+ are of kind '(like|clap|bookmark)', which is not view, vote or comment$/,
    /^say what it counts as, insert into recsys\.kinds \(kind, head\) values \('\w+', 'vote'\), and let the view join recsys\.kinds/,
    interactions(numbered, "kinds.head").replace("as done", "as done join recsys.kinds using (kind)"),
  ],
  [
    "weights that are none",
    interactions(numbered, "kinds.head")
      .replace("as done", "as done join recsys.kinds using (kind)")
      .replace(
        "null::real as weight",
        "case id % 4 when 0 then 'NaN'::real when 1 then 0 when 2 then -2 end as weight",
      ),
    false,
    /^recsys\.source_interactions: \d+ have a weight such as -2, and count as if it were 1$/,
    /^a weight is above 0 and at most 1000, as recsys\.kinds\.weight is; null: 1$/,
    interactions(numbered, "kinds.head").replace("as done", "as done join recsys.kinds using (kind)"),
  ],
  [
    "posts without a time",
    posts("", "true").replace("WITH", invoker),
    true,
    /^recsys\.source_posts: 10 rows have no post_id or created_at, or a time before 1990 or after 2199$/,
    /^leave them out of the view/,
    posts().replace("WITH", invoker),
  ],
  [
    "ids that are mapped in one view only",
    interactions(numbered, "'vote'", "('00000000-0000-4000-9000-' || lpad(post_id::text, 12, '0'))::uuid"),
    true,
    /^recsys\.source_interactions: none of \d+ is of a post and a person that source_posts and source_users show/,
    /^the ids of the views have to be the same/,
  ],
  [
    "posts that are younger than what was done with them",
    posts("now()").replace("WITH", invoker),
    false,
    /^recsys\.source_interactions: \d+ of \d+ are older than their posts$/,
    /^nothing is learned from them/,
    posts().replace("WITH", invoker),
  ],
  [
    "a table whose changes nobody follows",
    `create table blog.claps (id bigint, member_id uuid, post_id bigint, created_at timestamptz); alter table blog.claps enable row level security;
     grant select on blog.claps to authenticated, service_role;
     create or replace view recsys.source_logins ${invoker} as select id as login_id, member_id as user_id, created_at from blog.claps`,
    false,
    /^recsys\.source_logins reads blog\.claps, whose changes nobody follows$/,
    /^select recsys\.watch\('blog\.claps', 'logins', p_user_id => 'member_id'\)$/,
    "select recsys.watch('blog.claps', 'logins', p_user_id => 'member_id')",
  ],
  [
    "follows that count for nothing",
    `create or replace view recsys.source_follows ${invoker} as select id as user_id, 'friend' as kind, id::text as target, created_at from blog.members`,
    false,
    /^recsys\.source_follows: \d+ rows such as 'friend' '[0-9a-f-]+' count for nothing$/,
    /^kind is person, topic or group/,
  ],
  ...(["", "kind, "] as const).map(
    (kind): Wrong => [
      `follows that no index has ${kind ? "by kind and time" : "by time"}`,
      `create table blog.follows (member_id uuid, kind text default 'person', followed uuid, since timestamptz not null default now(), primary key (member_id, ${kind}followed));
     insert into blog.follows (member_id, followed) select one.id, other.id from blog.members as one join blog.members as other on one.id <> other.id;
     alter table blog.follows enable row level security; create policy "own" on blog.follows for select using (member_id = auth.uid());
     grant select on blog.follows to authenticated, service_role;
     create or replace view recsys.source_follows ${invoker} as
     select member_id as user_id, ${kind ? "kind" : "'person' as kind"}, followed::text as target, since as created_at from blog.follows`,
      false,
      /^blog\.follows has no index by which each feed finds the latest follows of its user$/,
      new RegExp(`^create index concurrently on blog\\.follows \\(member_id, ${kind}since desc\\)$`),
      `create index on blog.follows (member_id, ${kind}since desc)`,
    ],
  ),
  [
    "follows of people that are not there",
    `create or replace view recsys.source_follows ${invoker} as select id as user_id, 'person' as kind, recsys.id_of(id::text)::text as target, created_at from blog.members`,
    false,
    /^recsys\.source_follows: of 200 rows, 0 are by and 200 of people that recsys\.source_users does not show$/,
    /^they count for nothing/,
  ],
  [
    "follows by people that are not there",
    `create or replace view recsys.source_follows ${invoker} as select recsys.id_of(id::text) as user_id, 'topic' as kind, 'Bread'::text as target, created_at from blog.members`,
    false,
    /^recsys\.source_follows: of 200 rows, 200 are by and 0 of people/,
    /^they count for nothing/,
  ],
  [
    "followed topics that are no tags",
    `create or replace view recsys.source_follows ${invoker} as select id as user_id, 'topic' as kind, 'tag:bread'::text as target, created_at from blog.members`,
    false,
    /^recsys\.source_follows: none of 1 topics and groups is a tag of a post \(such as 'tag:bread'\)$/,
    /^the target of a topic or a group is a tag/,
  ],
  [
    "preferences that count for nothing",
    `create or replace view recsys.source_preferences ${invoker} as select id as user_id, 'feed' as kind, 'Impersonal' as value from blog.members`,
    false,
    /^recsys\.source_preferences: \d+ rows such as 'feed' 'Impersonal' count for nothing$/,
    /^kind is feed, more or less/,
  ],
  [
    "authors withheld with each post",
    `create or replace view recsys.source_withheld ${invoker} as select id as post_id, id as author_id from blog.members`,
    false,
    /^recsys\.source_withheld: \d+ rows name a post and its author/,
    /^show the author's id only/,
  ],
  [
    "people who belong where no post does",
    `create or replace view recsys_engine.source_memberships ${invoker} as select member_id as user_id, 'group ' || group_id as scope from blog.memberships; create or replace view recsys_engine.source_scopes ${invoker} as select recsys.id_of(id::text) as post_id, group_id::text as scope from blog.posts`,
    false,
    /^recsys_engine\.source_memberships: people belong to scopes such as 'group \d+', and no post belongs to any of them$/,
    /^show in recsys_engine\.source_scopes where posts belong, by the same names/,
  ],
  [
    "nothing there",
    "truncate blog.posts cascade",
    false,
    /^recsys\.source_posts is empty$/,
    /^redefine the ten source views over the tables of your app/,
  ],
];

for (const [name, broken, stops, problem, cure, mends] of wrong)
  test(`check finds ${name}`, { skip }, async () => {
    const fresh = await found(broken, mends);
    const named = fresh.find((finding) => problem.test(finding.problem));
    assert.ok(named, JSON.stringify(fresh, null, 1));
    assert.equal(named.stops, stops);
    assert.match(named.cure, cure);
    for (const finding of fresh) assert.doesNotMatch(`${finding.problem}${finding.cure}`, /\n/, "one line each");
  });

test("an app's own schema need not be usable: a view finds its tables without", { skip }, async () => {
  const client = await database.pool.connect();
  try {
    await client.query("begin; revoke usage on schema blog from authenticated");
    assert.deepEqual((await client.query("select * from recsys_engine.check_access()")).rows, []);
    await client.query("set local role authenticated");
    assert.ok((await client.query("select from recsys.source_posts")).rowCount);
  } finally {
    await client.query("rollback");
    client.release();
  }
});

test("check finds a view that fails on a row, along with the rest", { skip }, async () => {
  const fresh = await found(posts("('x' || posts.id)::timestamptz").replace("WITH", invoker));
  assert.ok(
    fresh.some(
      ({ stops, problem }) =>
        stops && /^the source views cannot be read to the end: invalid input syntax/.test(problem),
    ),
    JSON.stringify(fresh),
  );
});

test("each statement that adds an index takes its line away", { skip }, async () => {
  const client = await database.pool.connect();
  try {
    await client.query("begin");
    const missing = (await findings(client)).filter(({ problem }) => problem.includes("has no index"));
    assert.equal(missing.length, 9);
    for (const { problem, cure } of missing) {
      await client.query(cure.replace(" concurrently", ""));
      assert.ok(!(await findings(client)).some((left) => left.problem === problem), cure);
    }
  } finally {
    await client.query("rollback");
    client.release();
  }
});

test("the same indexes are missing where the views ask that nothing is null", { skip }, async () => {
  const client = await database.pool.connect();
  const missing = async () => (await findings(client)).filter(({ problem }) => problem.includes("has no index"));
  try {
    await client.query("begin");
    const before = await missing();
    assert.equal(before.length, 9);
    await client.query(`do $$ begin
      execute 'create or replace view recsys.source_posts ${invoker} as select * from (' ||
        rtrim(pg_get_viewdef('recsys.source_posts'), ';') || ') as it where post_id is not null and author_id is not null';
      execute 'create or replace view recsys.source_interactions ${invoker} as select * from (' ||
        rtrim(pg_get_viewdef('recsys.source_interactions'), ';') || ') as it where post_id is not null and user_id is not null';
    end $$`);
    assert.deepEqual(await missing(), before);
  } finally {
    await client.query("rollback");
    client.release();
  }
});

test("posts that are shown by an expression are named with the column that an index finds", { skip }, async () => {
  const broken = posts().replace("posts.recsys_id", "recsys.id_of(posts.id)").replace("WITH", invoker);
  const client = await database.pool.connect();
  const lines = async () =>
    (await findings(client)).filter(({ problem }) =>
      /blog\.posts has no index by which each feed looks up/.test(problem),
    );
  try {
    await client.query(
      `begin; ${broken}; alter table blog.posts drop column recsys_id; create index on blog.posts (recsys.id_of(id))`,
    );
    const [{ stops, cure }, ...more] = await lines();
    assert.deepEqual([stops, more], [true, []], "row level security lets that index be used by nobody");
    assert.match(
      cure,
      /^alter table blog\.posts add column recsys_id uuid generated always as \(recsys\.id_of\(id\)\) stored; create unique index on blog\.posts \(recsys_id\); -- and show recsys_id as post_id/,
    );
    await client.query(cure);
    assert.deepEqual(
      (await lines()).map(({ cure }) => cure),
      ["show recsys_id as post_id in the view"],
    );
    await client.query(posts().replace("WITH", invoker));
    assert.deepEqual(await lines(), []);
  } finally {
    await client.query("rollback");
    client.release();
  }
});

test("nobody but the owner asks", { skip }, async () => {
  for (const role of ["anon", "authenticated", "service_role"]) {
    const client = await database.pool.connect();
    try {
      await client.query(`begin; set local role ${role}`);
      await assert.rejects(client.query("select * from recsys.check()"), /permission denied for function check/);
    } finally {
      await client.query("rollback");
      client.release();
    }
  }
});
