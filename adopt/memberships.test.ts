/** Where people belong, as drafts say it: only where policies of posts go by it, and never more than that. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { Database } from "../db/connect.ts";
import { withoutPostgres } from "../db/testing.ts";
import { draftedApps } from "./testing.ts";

const skip = await withoutPostgres();
const { adopt, adoptTables } = await draftedApps({ after });

const uuid = (n: number) => `00000000-0000-4000-8000-00000000000${n}`;

async function scopes({ pool }: Database): Promise<string[]> {
  const { rows } = await pool.query(
    "select concat_ws(' ', right(user_id::text, 1), scope) as line from recsys.source_memberships order by line",
  );
  return rows.map(({ line }) => line);
}

async function postScopes({ pool }: Database): Promise<string[]> {
  const { rows } = await pool.query(
    "select concat_ws(' ', posts.title, belonging.scope) as line from recsys.source_post_scopes as belonging join recsys.source_posts as posts using (post_id) order by line",
  );
  return rows.map(({ line }) => line);
}

const entry = (coverage: string[], table: string) =>
  coverage
    .find((line) => line.includes(` ${table} `))
    ?.replace(/ +/g, " ")
    .trim();

test("a magazine whose policies go by a table of members, without keys between the groups", { skip }, async () => {
  const app = await adopt("magazine");
  assert.deepEqual(await scopes(app), ["1 groupId 1"]);
  assert.equal(entry(app.coverage, "people.Membership"), "used people.Membership 1 where people belong: 1");
  assert.ok(
    app.unsure.some((line) => /Membership: taken for where people belong, by groupId: leave it out/.test(line)),
  );
});

test("organisations whose posts everybody may read are no scopes", { skip }, async () => {
  const app = await adopt("articles");
  assert.deepEqual([...(await scopes(app)), ...(await postScopes(app))], []);
  assert.equal(
    entry(app.coverage, "public.organization_memberships"),
    "left out public.organization_memberships 12 where people belong makes no difference: no policy of public.articles goes by it",
  );
});

const workspaces = (policies: string, more = "") => `
  insert into auth.users (id) select ('00000000-0000-4000-8000-00000000000' || n)::uuid from generate_series(1, 3) as n;
  create table profiles (id uuid primary key references auth.users, username text, created_at timestamptz not null default '2020-01-01');
  insert into profiles (id, username) select id, 'u' from auth.users;
  create table workspaces (id bigint primary key, name text not null);
  create table workspace_members (workspace_id bigint references workspaces, user_id uuid references profiles, status text, primary key (workspace_id, user_id));
  create table posts (id bigint primary key generated always as identity, user_id uuid references profiles, workspace_id bigint references workspaces, title text not null, created_at timestamptz not null default now());
  insert into workspaces values (1, 'One'), (2, 'Two');
  insert into workspace_members values (1, '${uuid(1)}', 'active'), (2, '${uuid(1)}', 'active'), (1, '${uuid(2)}', 'invited'), (2, '${uuid(3)}', 'active');
  insert into posts (user_id, workspace_id, title) values ('${uuid(1)}', 1, 'Plan'), ('${uuid(1)}', 2, 'Notes'), ('${uuid(1)}', null, 'Terms');
  alter table workspace_members enable row level security;
  create policy "one's own" on workspace_members for select to authenticated using (user_id = (select auth.uid()));
  grant select on all tables in schema public to authenticated;
  ${policies}; ${more};`;
const secured = "alter table posts enable row level security;";

test("workspaces: a row for each of them that somebody is in, and none for who is but invited", { skip }, async (t) => {
  const app = await adoptTables(
    "workspaces",
    workspaces(
      `${secured} create policy "by members" on posts for select to authenticated using (exists (select from workspace_members as m where m.workspace_id = posts.workspace_id and m.user_id = (select auth.uid()) and m.status = 'active'))`,
    ),
  );
  assert.deepEqual(await scopes(app), ["1 workspace_id 1", "1 workspace_id 2", "3 workspace_id 2"]);
  assert.deepEqual(await postScopes(app), ["Notes workspace_id 2", "Plan workspace_id 1", "Terms"]);
  assert.equal(
    entry(app.coverage, "public.workspace_members"),
    "used public.workspace_members 4 where people belong: 3 of 4",
  );
  await t.test("a member reads where they belong, and nobody else; and what they may read is as before", async () => {
    const client = await app.pool.connect();
    try {
      await client.query("begin");
      await client.query(
        "select set_config('request.jwt.claims', $1, true), set_config('role', 'authenticated', true)",
        [JSON.stringify({ sub: uuid(3), role: "authenticated" })],
      );
      const belonging = await client.query("select scope from recsys.source_memberships");
      assert.deepEqual(belonging.rows, [{ scope: "workspace_id 2" }]);
      const { rows } = await client.query("select title from posts");
      assert.deepEqual(rows, [{ title: "Notes" }]);
      await client.query("rollback");
    } finally {
      client.release();
    }
  });
  await t.test("check has no more to say of it", async () => {
    const asked = "select problem, cure from recsys.check() where problem ~ 'member|belong|organisation'";
    assert.deepEqual((await app.pool.query(asked)).rows, []);
    await app.pool.query(
      `insert into posts (user_id, workspace_id, title) select '${uuid(1)}', 1 + n % 2, repeat('x', 500) from generate_series(1, 1000) as n; analyze posts`,
    );
    const { rows } = await app.pool.query(asked);
    assert.deepEqual(
      rows.map(({ problem }) => problem),
      ["public.posts has no index by which feeds find the posts of an organisation"],
    );
    await app.pool.query(rows[0].cure);
    assert.deepEqual((await app.pool.query(asked)).rows, []);
  });
});

const without: [name: string, policies: string, why: string, more?: string][] = [
  [
    "row level security is off",
    "",
    "where people belong makes no difference: row level security is off for public.posts",
  ],
  [
    "a policy lets everybody read all",
    `${secured} create policy "all" on posts for select to authenticated using (true); create policy "members" on posts for select to authenticated using (workspace_id in (select m.workspace_id from workspace_members as m))`,
    "where people belong makes no difference: everybody may read public.posts",
  ],
  [
    "policies go by something else",
    `${secured} create policy "new" on posts for select to authenticated using (created_at > '2020-01-01')`,
    "where people belong makes no difference: no policy of public.posts goes by it",
  ],
  [
    "members may not read where they belong",
    `${secured} create policy "members" on posts for select to authenticated using (workspace_id = any (mine()))`,
    "members may read none of it, so it cannot say where they belong",
    "revoke all on workspace_members from authenticated",
  ],
];

test("where people belong is said of no app whose policies do not go by it", { skip }, async (t) => {
  const mine = `create function mine() returns bigint[] language sql stable security definer set search_path = '' as $$ select array_agg(workspace_id) from public.workspace_members where user_id = auth.uid() $$;`;
  for (const [place, [name, policies, why, more]] of without.entries())
    await t.test(name, async () => {
      const app = await adoptTables(`belong_${place}`, workspaces(`${mine} ${policies}`, more));
      assert.deepEqual(await scopes(app), []);
      assert.equal(entry(app.coverage, "public.workspace_members"), `left out public.workspace_members 4 ${why}`);
    });
  await t.test("but it is where a function of theirs says so of the column", async () => {
    const app = await adoptTables(
      "belong_function",
      workspaces(
        `${mine} ${secured} create policy "members" on posts for select to authenticated using (workspace_id = any (mine()))`,
      ),
    );
    assert.equal((await scopes(app)).length, 3);
  });
});
