import assert from "node:assert/strict";
import { test } from "node:test";
import { bundleFolder, soundBundle } from "../bundle/testing.ts";
import type { Database } from "../connect.ts";
import { onBoth, testDatabase } from "../testing.ts";
import { importBundle } from "./import-bundle.ts";
import { externalUuid } from "./known-ids.ts";

/** Everything an import may change. */
async function contents(database: Database): Promise<unknown> {
  const { rows } = await database.pool.query(
    `select
      (select json_agg(profiles order by id) from public.profiles) as users,
      (select json_agg(projects order by id) from public.projects) as projects,
      (select json_agg(posts order by id) from public.posts) as posts,
      (select json_agg(i order by i.interaction_id) from recsys.source_interactions as i) as interactions,
      (select json_agg(logins order by id) from public.logins) as logins,
      (select json_agg(i order by request_id, post_id) from recsys.impressions as i) as impressions,
      (select json_agg(s order by interaction_id) from recsys_engine.post_stats as s) as post_stats,
      (select json_agg(s order by event_id) from recsys_engine.user_stats as s) as user_stats,
      (select json_agg(settings) from recsys.settings) as settings`,
  );
  return rows[0];
}

await onBoth("a bundle goes in whole, and a second time changes nothing", async (t, database) => {
  const folder = await bundleFolder(t);
  const first = await importBundle(database, folder);
  assert.deepEqual(first.users, { read: 2, added: 2, updated: 0, existing: 0 });
  assert.deepEqual(first.posts, { read: 2, added: 2, updated: 0, existing: 0 });
  assert.deepEqual(first.interactions, { read: 3, added: 3, updated: 0, existing: 0 });
  assert.deepEqual(first.logins, { read: 1, added: 1, updated: 0, existing: 0 });
  assert.deepEqual(first.impressions, { read: 1, added: 1, updated: 0, existing: 0 });
  assert.deepEqual(first.follows, { read: 2, added: 2, updated: 0, existing: 0 });
  const after = await contents(database);
  const second = await importBundle(database, folder);
  assert.deepEqual(second.interactions, { read: 3, added: 0, updated: 0, existing: 3 });
  assert.deepEqual(second.follows, { read: 2, added: 0, updated: 0, existing: 2 });
  assert.deepEqual(second.users, { read: 2, added: 0, updated: 0, existing: 2 });
  assert.equal(second.clockShift, first.clockShift);
  assert.deepEqual(await contents(database), after);
});

test("every field arrives as it was written", async (t) => {
  const database = await testDatabase(t);
  await importBundle(database, await bundleFolder(t));
  const users = await database.pool.query(
    "select user_id, external_id, passions, projects, bio, created_at from recsys.source_users order by external_id",
  );
  assert.deepEqual(
    users.rows,
    soundBundle.users.map(({ id, created_at, ...user }) => ({
      user_id: externalUuid("user", id),
      external_id: id,
      ...user,
      created_at: new Date(created_at),
    })),
  );
  const posts = await database.pool.query(
    "select post_id, external_id, author_id, title, description, tags, created_at from recsys.source_posts order by created_at",
  );
  assert.deepEqual(
    posts.rows,
    soundBundle.posts.map(({ id, author_id, created_at, ...post }) => ({
      post_id: externalUuid("post", id),
      external_id: id,
      author_id: author_id === null ? null : externalUuid("user", author_id),
      ...post,
      created_at: new Date(created_at),
    })),
  );
  const interactions = await database.pool.query(
    `select user_id, post_id, kind, value, to_char(created_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US') as at
    from recsys.source_interactions order by interaction_id`,
  );
  assert.deepEqual(interactions.rows, [
    {
      user_id: externalUuid("user", "bob"),
      post_id: externalUuid("post", "rye"),
      kind: "view",
      value: 12.5,
      at: "2026-01-05T00:00:00.000000",
    },
    {
      user_id: externalUuid("user", "bob"),
      post_id: externalUuid("post", "rye"),
      kind: "vote",
      value: null,
      at: "2026-01-05T00:00:00.000000",
    },
    {
      user_id: externalUuid("user", "ann"),
      post_id: externalUuid("post", "oak"),
      kind: "comment",
      value: null,
      at: "2026-01-05T00:00:01.123456",
    },
  ]);
  const follows = await database.pool.query("select * from recsys.source_follows order by kind");
  const [bob, since] = [externalUuid("user", "bob"), new Date("2026-01-04T00:00:00Z")];
  assert.deepEqual(follows.rows, [
    { user_id: bob, kind: "person", target: externalUuid("user", "ann"), created_at: since },
    { user_id: bob, kind: "topic", target: "bread", created_at: since },
  ]);
  const vectors = await database.pool.query("select post_id, encoder, vector from recsys_engine.raw_vectors");
  assert.deepEqual(vectors.rows, [
    { post_id: externalUuid("post", "rye"), encoder: "bundle", vector: soundBundle.post_vectors[0].vector },
  ]);
  const ofUsers = await database.pool.query("select user_id, encoder, vector from recsys_engine.raw_user_vectors");
  assert.deepEqual(ofUsers.rows, [{ user_id: bob, encoder: "bundle", vector: soundBundle.user_vectors[0].vector }]);
  const stats = await database.pool.query("select count(*)::integer as rows from recsys_engine.timeline");
  assert.equal(stats.rows[0].rows, 4, "the feature store knows three interactions and a login");
});

await onBoth(
  "interactions of the same instant keep the order of the file, across kinds and batches",
  async (t, database) => {
    const kinds = ["vote", "comment", "view"];
    const posts = Array.from({ length: 2500 }, (_, i) => ({ ...soundBundle.posts[1], id: `p${i}` }));
    const instant = "2026-01-05T00:00:00Z";
    const interactions = Array.from({ length: 7_500 }, (_, i) => ({
      user_id: "bob",
      // far from the order of any index: 1571 and 2500 have no common divisor
      post_id: `p${(i * 1571) % 2500}`,
      kind: kinds[Math.floor(i / 2500 + i) % 3],
      created_at: instant,
    }));
    const report = await importBundle(
      database,
      await bundleFolder(t, { ...soundBundle, posts, interactions, impressions: null, post_vectors: null }),
    );
    assert.equal(report.interactions.added, 7_500);
    const { rows } = await database.pool.query(
      `select external_id as post_id, kind from recsys.source_interactions join recsys.source_posts using (post_id)
    order by source_interactions.created_at, interaction_id`,
    );
    assert.deepEqual(
      rows,
      interactions.map(({ post_id, kind }) => ({ post_id, kind })),
    );
  },
);

test("what is in the file twice is stored once; a larger bundle adds what is new", async (t) => {
  const database = await testDatabase(t);
  const [view, ...others] = soundBundle.interactions;
  const twice = await importBundle(database, await bundleFolder(t, { ...soundBundle, interactions: [view, view] }));
  assert.deepEqual(twice.interactions, { read: 2, added: 1, updated: 0, existing: 1 });
  const larger = await importBundle(
    database,
    await bundleFolder(t, { ...soundBundle, interactions: [view, ...others] }),
  );
  assert.deepEqual(larger.interactions, { read: 3, added: 2, updated: 0, existing: 1 });
});

test("the clock of an archived community is set back, that of a live one is not", async (t) => {
  const database = await testDatabase(t);
  await importBundle(database, await bundleFolder(t));
  const { rows } = await database.pool.query(
    "select recsys.clock() - timestamptz '2026-01-05T00:00:01.123456Z' < interval '1 minute' as is_then, recsys.clock() >= '2026-01-05T00:00:01.12Z' as is_after from recsys.settings",
  );
  assert.deepEqual(rows[0], { is_then: true, is_after: true });
  const today = { user_id: "bob", post_id: "oak", kind: "view", created_at: new Date().toISOString() };
  const alive = await importBundle(
    database,
    await bundleFolder(t, { ...soundBundle, interactions: [...soundBundle.interactions, today] }),
  );
  assert.equal(alive.clockShift, 0);
});

test("progress is reported step by step and ends at its total", async (t) => {
  const database = await testDatabase(t);
  const last = new Map<string, { done: number; total?: number }>();
  await importBundle(database, await bundleFolder(t), {
    onProgress: ({ step, ...progress }) => last.set(step, progress),
  });
  assert.deepEqual(
    [...last.keys()],
    [
      "import users",
      "import posts",
      "import interactions",
      "import logins",
      "import impressions",
      "import follows",
      "import post_vectors",
      "import user_vectors",
      "roll up the feature store",
    ],
  );
  for (const { done, total } of last.values()) assert.equal(done, total);
});

await onBoth(
  "an import with edited profiles, projects and posts updates them, and queues them for new vectors",
  async (t, database) => {
    const { pool } = database;
    await importBundle(database, await bundleFolder(t));
    const [ann, bob] = soundBundle.users;
    const [rye, oak] = soundBundle.posts;
    const owner = externalUuid("user", ann.id);
    await pool.query("insert into public.projects (owner_id, title) values ($1, 'Made in the app')", [owner]);
    await pool.query("truncate recsys_engine.embedding_jobs");
    const edited = {
      ...soundBundle,
      users: [
        { ...ann, projects: ["A new one"] },
        { ...bob, bio: `${bob.bio}, and more` },
      ],
      posts: [
        { ...rye, title: "Another title" },
        { ...oak, author_id: oak.author_id === ann.id ? bob.id : ann.id },
      ],
    };
    const folder = await bundleFolder(t, edited);
    const report = await importBundle(database, folder);
    assert.deepEqual(report.users, { read: 2, added: 0, updated: 2, existing: 0 });
    assert.deepEqual(report.posts, { read: 2, added: 0, updated: 2, existing: 0 });
    assert.equal(report.interactions.added, 0);
    const { rows: users } = await pool.query("select projects, bio from recsys.source_users order by external_id");
    assert.deepEqual(users, [
      { projects: ["A new one", "Made in the app"], bio: ann.bio },
      { projects: bob.projects, bio: `${bob.bio}, and more` },
    ]);
    const { rows: posts } = await pool.query(
      "select title, author_id from recsys.source_posts where external_id = any($1) order by external_id = $2 desc",
      [[rye.id, oak.id], rye.id],
    );
    assert.deepEqual(posts, [
      { title: "Another title", author_id: rye.author_id && externalUuid("user", rye.author_id) },
      { title: oak.title, author_id: externalUuid("user", edited.posts[1].author_id as string) },
    ]);
    const { rows: jobs } = await pool.query(
      "select kind, count(*)::int from recsys_engine.embedding_jobs group by kind order by kind",
    );
    assert.deepEqual(jobs, [
      { kind: "post", count: 2 },
      { kind: "user", count: 2 },
    ]);
    await pool.query("truncate recsys_engine.embedding_jobs");
    const after = await contents(database);
    const again = await importBundle(database, folder);
    assert.deepEqual(
      [again.users, again.posts],
      [
        { read: 2, added: 0, updated: 0, existing: 2 },
        { read: 2, added: 0, updated: 0, existing: 2 },
      ],
    );
    assert.deepEqual(await contents(database), after);
    assert.equal((await pool.query("select from recsys_engine.embedding_jobs")).rowCount, 0);
  },
);

await onBoth("an import that is stopped leaves nothing and hands the connection back", async (t, database) => {
  const folder = await bundleFolder(t);
  for (const stopAt of ["import users", "import interactions", "roll up the feature store"]) {
    const stopping = new AbortController();
    const onProgress = ({ step }: { step: string }) => {
      if (step === stopAt) stopping.abort(new Error("stopped"));
    };
    await assert.rejects(importBundle(database, folder, { onProgress, signal: stopping.signal }), {
      message: "stopped",
    });
    const { rows } = await database.pool.query("select count(*)::integer as users from public.profiles");
    assert.equal(rows[0].users, 0, `stopped at ${stopAt}`);
  }
  assert.equal((await importBundle(database, folder)).users.added, 2);
});
