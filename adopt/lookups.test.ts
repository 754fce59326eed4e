/** Whether the rows of one person are reached without reading those of everybody: check says where they are not, however few rows there are. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { CheckRow } from "../cli/commands/check.ts";
import { withoutPostgres } from "../db/testing.ts";
import { pickCases } from "../testing/courses.ts";
import { draftedApps } from "./testing.ts";

const skip = await withoutPostgres();
const { adopt } = await draftedApps({ after });

const invoker = "with (security_invoker = true)";
const grants = "grant select on all tables in schema public to authenticated, service_role";
const view = (branches: string[], around = "", user = "done.user_id") =>
  `create or replace view recsys.source_interactions ${invoker} as
   select done.interaction_id, ${user} as user_id, done.post_id, done.kind, null::real as value, done.created_at, null::real as weight
   from (${branches.join(" union all ")}) as done ${around}`;
const branch = (number: number, table: string, user: string, { kind = "vote", at = "updated_at", from = "" } = {}) =>
  `select recsys.event_id_of(${number}, ${table}.id) as interaction_id, ${user} as user_id, recsys.id_of(${table}.story_id) as post_id,
     '${kind}' as kind, ${table}.${at} as created_at from ${table} ${from}`;
const joined = (table: string, by: string) => `join person as who on who.id = ${table}.${by}`;
const votes = branch(1, "votes", "who.auth_id", { from: joined("votes", "user_id") });
const comments = branch(2, "comment", "who.auth_id", {
  kind: "comment",
  at: "published",
  from: joined("comment", "creator_id"),
});
const subquery = (by: string) => `(select who.auth_id from person as who where who.id = ${by})`;
const mutes = (select: string) =>
  `create or replace view recsys.source_mutes ${invoker} as ${select.replace(" from ", ", 'person' as kind, null::text as value, published as created_at from ")}`;

const shapes: [name: string, views: string, problem?: RegExp, cure?: RegExp][] = [
  ["people joined in each branch", view([votes, comments])],
  ["a union of one", view([votes])],
  [
    "people joined around a union of tables as they are",
    view(
      [branch(1, "votes", "votes.user_id::int"), branch(2, "comment", "comment.creator_id", { at: "published" })],
      "join person as who on who.id = done.user_id",
      "who.auth_id",
    ),
  ],
  [
    "a row of settings joined to all",
    `create table settings as select 1 as one; ${view([votes], "cross join settings")}`,
  ],
  [
    "people joined, and a policy that lets them see what is theirs, by a subquery on the same table",
    `alter table person_block enable row level security;
     create policy "one's own" on person_block for select using (person_id = (select id from person where auth_id = auth.uid()));
     ${mutes("select who.auth_id as user_id, whom.auth_id as whom from person_block join person as who on who.id = person_id join person as whom on whom.id = target_id").replace(", whom.auth_id as whom", "").replace("null::text as value", "whom.auth_id::text as value").replace(", published as", ", person_block.published as")}`,
  ],
  [
    "people looked up by a subquery",
    view([
      branch(1, "votes", subquery("votes.user_id")),
      branch(2, "comment", subquery("creator_id"), { at: "published" }),
    ]),
    /^recsys\.source_interactions: the rows of one person are found only by reading all of public\.comment, public\.votes$/,
    /^a subquery on public\.person, .*join public\.person instead, in the same select/,
  ],
  [
    "one branch of two that looks them up so",
    view([votes, branch(2, "comment", subquery("creator_id"), { at: "published" })]),
    /reading all of public\.comment$/,
    /^a subquery on public\.person/,
  ],
  [
    "an outer join around a union whose branches are joins",
    view(
      [
        branch(1, "votes", "votes.user_id", { from: "join story on story.id = votes.story_id" }),
        branch(2, "comment", "comment.creator_id", {
          at: "published",
          from: "join story on story.id = comment.story_id",
        }),
      ],
      "left join person as who on who.id = done.user_id",
      "who.auth_id",
    ),
    /reading all of public\.comment, (?:public\.story, )?public\.votes$/,
    /an outer join, a join around a union/,
  ],
  [
    "a person or another, behind an outer join",
    mutes(
      "select coalesce(who.auth_id, recsys.person_id_of(who.id)) as user_id from person_block left join (select id, auth_id from person) as who on who.id = person_id",
    ),
    /^recsys\.source_mutes: the rows of one person are found only by reading all of public\.person_block$/,
    /an outer join/,
  ],
  [
    "a function that shows rows",
    `create function blocks() returns table (user_id uuid, published timestamptz) language plpgsql stable as
       $$ begin return query select who.auth_id, now() from person_block join person as who on who.id = person_id; end $$;
     ${mutes("select user_id from blocks()")}`,
    /^recsys\.source_mutes: .* reading all of public\.blocks$/,
    /^the function public\.blocks says whose they are: write its query into the view$/,
  ],
  [
    "a function that looks people up, which no index takes",
    `create function uuid_of(int) returns uuid language plpgsql stable as $$ begin return (select auth_id from person where id = $1); end $$;
     ${mutes("select uuid_of(person_id) as user_id from person_block")}`,
    /reading all of public\.person_block$/,
  ],
  [
    "the newest of each person alone",
    view([`select * from (select distinct on (story_id) * from (${votes}) as voted order by story_id) as newest`])
      .replaceAll("story_id) *", "voted.post_id) voted.*")
      .replace("order by story_id", "order by voted.post_id"),
    /reading all of public\.votes$/,
  ],
  [
    "a partitioned table, joined",
    `create table parted (id bigint, user_id int, story_id int, updated_at timestamptz, primary key (id, updated_at)) partition by range (updated_at);
     create table parted_1 partition of parted for values from ('2024-01-01') to ('2025-01-01'); create table parted_2 partition of parted default;
     create index on parted (user_id); ${view([branch(1, "parted", "who.auth_id", { from: joined("parted", "user_id") })])}`,
  ],
  [
    "a partitioned table, looked up",
    `create table parted (id bigint, user_id int, story_id int, updated_at timestamptz, primary key (id, updated_at)) partition by range (updated_at);
     create table parted_1 partition of parted for values from ('2024-01-01') to ('2025-01-01'); create table parted_2 partition of parted default;
     create index on parted (user_id); ${view([branch(1, "parted", subquery("parted.user_id"))])}`,
    /reading all of public\.parted$/,
  ],
  [
    "authors of posts looked up by a subquery",
    `create or replace view recsys.source_posts ${invoker} as
     select story.recsys_id as post_id, null::text as external_id, ${subquery("story.creator_id")} as author_id, story.title::text, story.description,
       null::text[] as tags, story.published as created_at, null::text as language from story`,
    /^recsys\.source_posts: the rows of one author are found only by reading all of public\.story$/,
    /^a subquery on public\.person/,
  ],
];

test("check says where no index could lead to the rows of one person", { skip }, async (t) => {
  const { pool } = await adopt("links");
  const problems = async (client: { query: typeof pool.query }) =>
    (await client.query<CheckRow>("select * from recsys_engine.check_indexes()")).rows.filter(({ stops }) => stops);
  await pool.query(grants);
  assert.deepEqual(await problems(pool), [], "as drafted");
  for (const [name, views, problem, cure] of pickCases(shapes))
    await t.test(name, async () => {
      const client = await pool.connect();
      try {
        // without statistics, and with those of a few rows
        for (const statistics of ["select", "analyze"]) {
          await client.query(`begin; ${views}; ${grants}; ${statistics}`);
          const found = await problems(client as unknown as typeof pool);
          assert.equal(found.length, problem ? 1 : 0, JSON.stringify(found));
          if (problem) assert.match(found[0].problem, problem);
          if (cure) assert.match(found[0].cure, cure);
          await client.query("rollback");
        }
      } finally {
        client.release(true);
      }
    });
});

test("a partitioned table gets its index as a whole, which mends it", { skip }, async () => {
  const { pool } = await adopt(
    "links",
    `create table parted (id bigint, user_id int references person, story_id int, updated_at timestamptz, primary key (id, updated_at)) partition by range (updated_at);
     create table parted_1 partition of parted default; insert into parted select n, 1 + n % 3, 1, now() from generate_series(1, 5000) as n`,
  );
  await pool.query(view([branch(1, "parted", "who.auth_id", { from: joined("parted", "user_id") })]));
  await pool.query(grants);
  const lines = async () =>
    (await pool.query<CheckRow>("select * from recsys_engine.check_indexes() where problem ~ 'parted'")).rows.map(
      ({ cure }) => cure,
    );
  const cures = await lines();
  assert.deepEqual(cures, [
    "create index on public.parted (recsys.id_of(story_id), updated_at)",
    "create index on public.parted (user_id, updated_at)",
  ]);
  for (const cure of cures) await pool.query(cure);
  assert.deepEqual(await lines(), []);
});
