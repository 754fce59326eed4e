/** A title that only some may read: others get "[members only]", and no other post reveals the title to them. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { testDatabase } from "../../../db/testing.ts";
import { publishTinyModel } from "../../../testing/community.ts";
import { feedWithCandidates } from "../_shared/console/preview.ts";
import { openPool } from "../_shared/database/pool.ts";
import { loadRuntime } from "../_shared/models/inference.ts";
import { modelCache } from "../_shared/models/models.ts";
import { openFeedServices } from "../_shared/plugins/feed-services.ts";
import type { Feed } from "../_shared/recommend/request/feed-schema.ts";
import { testApp } from "./testing.ts";
import { fillManyPosts } from "./testing-many-posts.ts";

const { pool, url } = await testDatabase({ after }, "masked_titles");
const { people } = await fillManyPosts(pool);
await publishTinyModel(pool, { name: "tiny" });
const [member, other] = people;
// every other post has a copy
await pool.query("update public.posts set title = 'secret number ' || substr(title, 6)::integer / 2, tags = '{}'");
await pool.query(`create table public.titles (post_id uuid primary key, title text);
  insert into public.titles select id, title from public.posts;
  alter table public.titles enable row level security;
  grant select on public.titles to authenticated, anon, service_role;
  create policy members on public.titles for select to authenticated using (auth.uid() = '${member}')`);
const { rows } = await pool.query("select pg_get_viewdef('recsys.source_posts') as view");
const ofTable = "coalesce((select titles.title from public.titles where titles.post_id = posts.id), '[members only]')";
await pool.query(
  `create or replace view recsys.source_posts with (security_invoker = true) as ${rows[0].view.replace('"left"(title, 1000) AS title', `${ofTable} as title`)}`,
);

const app = testApp({ after }, url);
const connections = openPool(url, () => undefined);
after(() => connections.end());
const services = openFeedServices(connections, modelCache(loadRuntime), () => undefined);
const readers: Record<string, (request: object) => Promise<{ status: number; body: Feed }>> = {
  "a member": (request) => app.call(member, request),
  "somebody else": (request) => app.call(other, request),
  "a visitor": (request) => app.visit(request),
};
/** Every title of an answer, whatever it is the title of. */
const titlesOf = (answer: unknown) =>
  [...JSON.stringify(answer).matchAll(/"title":"([^"]*)"/g)].map(([, title]) => title);

test("a member reads them, and of copies one; nobody else is told one, nor that two are one text", async () => {
  // the member first, since the worker caches common posts
  for (const [reader, ask] of Object.entries(readers))
    for (const request of [{}, { mode: "batch" }, { filter: { max_age_days: 60 } }]) {
      const { status, body } = await ask({ limit: 100, ...request });
      const what = `${reader}, ${JSON.stringify(request)}`;
      assert.deepEqual([status, body.items?.length], [200, 100], `${what}: ${JSON.stringify(body).slice(0, 300)}`);
      const isMember = reader === "a member";
      const titles = titlesOf(body);
      assert.ok(titles.length >= 100 && titles.every((title) => title.startsWith("secret") === isMember), what);
      assert.ok(!/secret/.test(JSON.stringify(body)) || isMember, what);
      const folded = body.items.filter(({ folded }) => folded);
      if (isMember && body.degraded === null) assert.ok(folded.length > 10, what);
      if (!isMember) assert.deepEqual(folded, [], what);
    }
  assert.deepEqual(app.logged, []);
});

test("nor does a feed leave out every other title where its reader dismissed one, or sees no reposts", async () => {
  const { body } = await app.call(other, { limit: 20 });
  await pool.query("insert into recsys.dismissals values ($1, $2, now() - interval '1 minute')", [
    other,
    body.items[0].post_id,
  ]);
  const { body: then } = await app.call(other, { limit: 100 });
  assert.equal(then.items.length, 100);
});

test("whoever looks at somebody's feed sees the titles that they see", async () => {
  const candidates = async (who: string) => titlesOf(await feedWithCandidates(services, who, 20));
  assert.ok((await candidates(member)).some((title) => title.startsWith("secret")));
  const theirs = await candidates(other);
  assert.ok(theirs.length > 200 && theirs.every((title) => title === "[members only]"));
});
