/** recsys.check() over the blog of docs/adopting.md: each thing that can be wrong is named, with its cure, which mends it. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { adoptedBlog } from "../adopt/testing-blog.ts";
import type { CheckRow } from "../cli/commands/check.ts";
import type { Database } from "./connect.ts";
import { createReverseScope, withoutPostgres } from "./testing.ts";
import { asInvoker, blogPosts, type CheckPart, checkParts, findingsOf } from "./testing-check.ts";

const skip = await withoutPostgres();
let database: Database;
const scope = createReverseScope(test);
before(async () => {
  if (!skip) database = await adoptedBlog(scope, "check");
});

/** What a part finds in the blog as it is, in which each test leaves nothing behind. */
const foundBefore = new Map<CheckPart, Promise<Set<string>>>();

/** What is found after `broken` that was not found before; all is rolled back. `cure` mends it. */
async function found(part: CheckPart, broken: string, cure?: string): Promise<CheckRow[]> {
  const client = await database.pool.connect();
  try {
    await client.query("begin");
    const before =
      foundBefore.get(part) ?? findingsOf(client, part).then((rows) => new Set(rows.map(({ problem }) => problem)));
    foundBefore.set(part, before);
    const known = await before;
    await client.query(broken);
    const fresh = (await findingsOf(client, part)).filter(({ problem }) => !known.has(problem));
    if (cure !== undefined) {
      await client.query(cure);
      const left = (await findingsOf(client, part)).filter(({ problem }) =>
        fresh.some((one) => one.problem === problem),
      );
      assert.deepEqual(left, [], "the cure mends it");
    }
    return fresh;
  } finally {
    await client.query("rollback");
    client.release();
  }
}

const interactions = (id: string, kind: string, post = "recsys.id_of(post_id)") =>
  `create or replace view recsys.source_interactions ${asInvoker} as
   select ${id} as interaction_id, member_id as user_id, ${post} as post_id, ${kind} as kind, null::real as value, created_at, null::real as weight from (
     select id, 1 as number, member_id, post_id, kind, created_at from blog.reactions union all select id, 2, member_id, post_id, 'comment', created_at from blog.comments
   ) as done`;
const policyOfHeader = `create policy sent on blog.posts for select to authenticated using (title = current_setting('request.headers', true)::json ->> 'x-tenant-id')`;
const numbered = "recsys.event_id_of(number, id)";

type Wrong = [
  part: CheckPart,
  name: string,
  broken: string,
  stops: boolean,
  problem: RegExp,
  cure: RegExp,
  mends?: string,
];
const wrong: Wrong[] = [
  [
    "views",
    "a source view that was replaced without security_invoker",
    blogPosts().replace("WITH", ""),
    true,
    /^recsys\.source_posts is not security_invoker: it shows everybody what its owner may see, and no feed is served from it$/,
    /^alter view recsys\.source_posts set \(security_invoker = true\) {2}-- and in your migration/,
    "alter view recsys.source_posts set (security_invoker = true)",
  ],
  [
    "views",
    "one where it is off",
    "alter view recsys.source_mutes set (security_invoker = off)",
    true,
    /^recsys\.source_mutes is not security_invoker/,
    /^alter view recsys\.source_mutes/,
    "alter view recsys.source_mutes set (security_invoker = on)",
  ],
  [
    "views",
    "a view of the app's between",
    `create view blog.visible as select * from blog.posts; grant select on blog.visible to authenticated, service_role;
     ${blogPosts().replace("WITH", asInvoker).replace("from blog.posts", "from blog.visible as posts")}`,
    false,
    /^recsys\.source_posts reads the view blog\.visible, which is not security_invoker/,
    /^unless it says itself who sees what: alter view blog\.visible set \(security_invoker = true\)$/,
    "alter view blog.visible set (security_invoker = true)",
  ],
  [
    "views",
    "no row level security",
    "alter table blog.posts disable row level security",
    false,
    /^row level security is off for blog\.posts/,
    /^unless everybody may read all of it, say in a policy who reads what; then: alter table blog\.posts enable row level security$/,
    "alter table blog.posts enable row level security",
  ],
  [
    "access",
    "a table that a policy reads and people may not",
    "revoke select on blog.memberships from authenticated",
    true,
    /^authenticated may not read recsys\.source_posts: it lacks group_id, member_id of blog\.memberships$/,
    /^grant select \(group_id, member_id\) on blog\.memberships to authenticated$/,
    "grant select (group_id, member_id) on blog.memberships to authenticated",
  ],
  [
    "access",
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
      "access",
      `a schema that ${role} may not use: ${schema}`,
      `revoke usage on schema ${schema} from ${role}`,
      true,
      new RegExp(`^${role} may not .*: permission denied for schema ${schema}$`),
      new RegExp(`^grant usage on schema ${schema} to ${role}$`),
      `grant usage on schema ${schema} to ${role}`,
    ],
  ),
  [
    "access",
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
    "rows",
    "ids that overlap between tables",
    interactions("id", "kinds.head").replace("as done", "as done join recsys.kinds using (kind)"),
    true,
    /^recsys\.source_interactions: interaction_id \d+ is there 2 times, as comment and vote$/,
    /^number the tables: recsys\.event_id_of\(1, reactions\.id\)/,
    interactions(numbered, "kinds.head").replace("as done", "as done join recsys.kinds using (kind)"),
  ],
  [
    "rows",
    "posts that a join doubles",
    `${blogPosts().replace("WITH", asInvoker).replace("where", "join blog.tags on true where")} and posts.id < 5 and tags.post_id < 4`,
    true,
    /^recsys\.source_posts: 72656373-\S+ \(\d in the app\) is there \d+ times$/,
    /array\(select …\)/,
  ],
  [
    "rows",
    "kinds that are none of the ranker's",
    interactions(numbered, "kind"),
    true,
    /^recsys\.source_interactions: \d+ are of kind '(like|clap|bookmark)', which is not view, vote or comment$/,
    /^say what it counts as, insert into recsys\.kinds \(kind, head\) values \('\w+', 'vote'\), and let the view join recsys\.kinds/,
    interactions(numbered, "kinds.head").replace("as done", "as done join recsys.kinds using (kind)"),
  ],
  [
    "rows",
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
    "rows",
    "posts without a time",
    blogPosts("", "true").replace("WITH", asInvoker),
    true,
    /^recsys\.source_posts: 10 rows have no post_id or created_at, or a time before 1990 or after 2199$/,
    /^leave them out of the view/,
    blogPosts().replace("WITH", asInvoker),
  ],
  [
    "rows",
    "ids that are mapped in one view only",
    interactions(numbered, "'vote'", "('00000000-0000-4000-9000-' || lpad(post_id::text, 12, '0'))::uuid"),
    true,
    /^recsys\.source_interactions: none of \d+ is of a post and a person that source_posts and source_users show/,
    /^the ids of the views have to be the same/,
  ],
  [
    "rows",
    "posts that are younger than what was done with them",
    blogPosts("now()").replace("WITH", asInvoker),
    false,
    /^recsys\.source_interactions: \d+ of \d+ are older than their posts$/,
    /^nothing is learned from them/,
    blogPosts().replace("WITH", asInvoker),
  ],
  [
    "upkeep",
    "a table whose changes nobody follows",
    `create table blog.claps (id bigint, member_id uuid, post_id bigint, created_at timestamptz); alter table blog.claps enable row level security;
     grant select on blog.claps to authenticated, service_role;
     create or replace view recsys.source_logins ${asInvoker} as select id as login_id, member_id as user_id, created_at from blog.claps`,
    false,
    /^recsys\.source_logins reads blog\.claps, whose changes nobody follows$/,
    /^select recsys\.watch\('blog\.claps', 'logins', p_user_id => 'member_id'\)$/,
    "select recsys.watch('blog.claps', 'logins', p_user_id => 'member_id')",
  ],
  [
    "rows",
    "follows that count for nothing",
    `create or replace view recsys.source_follows ${asInvoker} as select id as user_id, 'friend' as kind, id::text as target, created_at from blog.members`,
    false,
    /^recsys\.source_follows: \d+ rows such as 'friend' '[0-9a-f-]+' count for nothing$/,
    /^kind is person, topic or group/,
  ],
  ...(["", "kind, "] as const).map(
    (kind): Wrong => [
      "latest",
      `follows that no index has ${kind ? "by kind and time" : "by time"}`,
      `create table blog.follows (member_id uuid, kind text default 'person', followed uuid, since timestamptz not null default now(), primary key (member_id, ${kind}followed));
     insert into blog.follows (member_id, followed) select one.id, other.id from blog.members as one join blog.members as other on one.id <> other.id;
     alter table blog.follows enable row level security; create policy "own" on blog.follows for select using (member_id = auth.uid());
     grant select on blog.follows to authenticated, service_role;
     create or replace view recsys.source_follows ${asInvoker} as
     select member_id as user_id, ${kind ? "kind" : "'person' as kind"}, followed::text as target, since as created_at from blog.follows`,
      false,
      /^blog\.follows has no index by which each feed finds the latest follows of its user$/,
      new RegExp(`^create index concurrently on blog\\.follows \\(member_id, ${kind}since desc\\)$`),
      `create index on blog.follows (member_id, ${kind}since desc)`,
    ],
  ),
  [
    "rows",
    "follows of people that are not there",
    `create or replace view recsys.source_follows ${asInvoker} as select id as user_id, 'person' as kind, recsys.id_of(id::text)::text as target, created_at from blog.members`,
    false,
    /^recsys\.source_follows: of 200 rows, 0 are by and 200 of people that recsys\.source_users does not show$/,
    /^they count for nothing/,
  ],
  [
    "rows",
    "follows by people that are not there",
    `create or replace view recsys.source_follows ${asInvoker} as select recsys.id_of(id::text) as user_id, 'topic' as kind, 'Bread'::text as target, created_at from blog.members`,
    false,
    /^recsys\.source_follows: of 200 rows, 200 are by and 0 of people/,
    /^they count for nothing/,
  ],
  [
    "rows",
    "followed topics that are no tags",
    `create or replace view recsys.source_follows ${asInvoker} as select id as user_id, 'topic' as kind, 'tag:bread'::text as target, created_at from blog.members`,
    false,
    /^recsys\.source_follows: none of 1 topics and groups is a tag of a post \(such as 'tag:bread'\)$/,
    /^the target of a topic or a group is a tag/,
  ],
  [
    "rows",
    "preferences that count for nothing",
    `create or replace view recsys.source_preferences ${asInvoker} as select id as user_id, 'feed' as kind, 'Impersonal' as value from blog.members`,
    false,
    /^recsys\.source_preferences: \d+ rows such as 'feed' 'Impersonal' count for nothing$/,
    /^kind is feed, more or less/,
  ],
  [
    "rows",
    "authors withheld with each post",
    `create or replace view recsys.source_withheld ${asInvoker} as select id as post_id, id as author_id from blog.members`,
    false,
    /^recsys\.source_withheld: \d+ rows name a post and its author/,
    /^show the author's id only/,
  ],
  [
    "rows",
    "people who belong where no post does",
    `create or replace view recsys.source_memberships ${asInvoker} as select member_id as user_id, 'group ' || group_id as scope from blog.memberships; create or replace view recsys.source_post_scopes ${asInvoker} as select recsys.id_of(id::text) as post_id, group_id::text as scope from blog.posts`,
    false,
    /^recsys\.source_memberships: people belong to scopes such as 'group \d+', and no post belongs to any of them$/,
    /^show in recsys\.source_post_scopes where posts belong, by the same names/,
  ],
  [
    "rows",
    "nothing there",
    "truncate blog.posts cascade",
    false,
    /^recsys\.source_posts is empty$/,
    /^redefine the ten source views over the tables of your app/,
  ],
];

for (const [part, name, broken, stops, problem, cure, mends] of wrong)
  test(`check finds ${name}`, { skip }, async () => {
    const fresh = await found(part, broken, mends);
    const named = fresh.find((finding) => problem.test(finding.problem));
    assert.ok(named, JSON.stringify(fresh, null, 1));
    assert.equal(named.stops, stops);
    assert.match(named.cure, cure);
    for (const finding of fresh) assert.doesNotMatch(`${finding.problem}${finding.cure}`, /\n/, "one line each");
  });

test("check says what each of its parts says, what stops first", { skip }, async () => {
  const client = await database.pool.connect();
  try {
    await client.query(
      `begin; alter view recsys.source_mutes set (security_invoker = off); revoke usage on schema recsys_engine from service_role;
       create or replace view recsys.source_preferences ${asInvoker} as select id as user_id, 'feed' as kind, 'Impersonal' as value from blog.members;
       ${policyOfHeader}`,
    );
    const all = (await client.query<CheckRow>("select * from recsys.check()")).rows;
    const lines: string[] = [];
    for (const part of checkParts) {
      await client.query("set local request.headers = '{}'");
      const { rows } = await client.query<CheckRow>(`select * from recsys_engine.check_${part}()`);
      lines.push(...rows.map(({ problem }) => problem));
    }
    assert.deepEqual(all.map(({ problem }) => problem).sort(), lines.sort());
    const stops = all.map((row) => row.stops);
    assert.deepEqual(stops, stops.toSorted().reverse());
    assert.ok(stops[0] && !stops.at(-1));
  } finally {
    await client.query("rollback");
    client.release();
  }
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
  const fresh = await found("rows", blogPosts("('x' || posts.id)::timestamptz").replace("WITH", asInvoker));
  assert.ok(
    fresh.some(
      ({ stops, problem }) =>
        stops && /^the source views cannot be read to the end: invalid input syntax/.test(problem),
    ),
    JSON.stringify(fresh),
  );
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
