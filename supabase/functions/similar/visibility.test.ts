/**
 * Random requests while visibility, blocks, tenants and rows change at random: nothing that the caller may not read is in any answer, and no
 * answer is shorter than what there is. REQUESTS sets how many: 500 by default.
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { testDatabase } from "../../../db/testing.ts";
import { uuid } from "../../../testing/community.ts";
import { publishVectors, unitVectors } from "../../../trainer/data/replay/testing.ts";
import { Random } from "../../../trainer/models/nn/random.ts";
import { vectorAt } from "../../../trainer/models/nn/vector-at.ts";
import { testApp } from "./testing.ts";

const database = await testDatabase({ after }, "similar_visibility");
const { pool, url } = database;
const requests = Number(process.env.REQUESTS ?? 500);
const random = new Random(7);
const pick = <Item>(items: readonly Item[]): Item => items[random.below(items.length)];

interface Person {
  id: string;
  tenant: number;
  vector: Float32Array;
  /** Whom they block. */
  blocked: Set<string>;
  deleted: boolean;
}
interface Post {
  id: string;
  author: Person;
  isPrivate: boolean;
  vector: Float32Array;
  deleted: boolean;
}

const vectors = unitVectors(random, 460);
const people: Person[] = Array.from({ length: 60 }, (_, n) => {
  return {
    id: uuid("a", n),
    tenant: random.below(3),
    vector: vectorAt(vectors, n),
    blocked: new Set(),
    deleted: false,
  };
});
const posts: Post[] = Array.from({ length: 400 }, (_, n) => {
  const isPrivate = random.uniform() < 0.3;
  return { id: uuid("b", n), author: pick(people), isPrivate, vector: vectorAt(vectors, 60 + n), deleted: false };
});

/** The app: people see those of their tenant whom they do not block, and posts of these that are not private. */
async function makeApp(): Promise<void> {
  await pool.query(`
    create table public.members (user_id uuid primary key, tenant integer);
    create table public.blocks (user_id uuid, blocked_id uuid, primary key (user_id, blocked_id));
    create function public.may_see(p_id uuid) returns boolean language sql stable security definer set search_path = '' as $$
      select p_id = (select auth.uid()) or (
        (select tenant from public.members where user_id = p_id) = (select tenant from public.members where user_id = (select auth.uid()))
        and not exists (select from public.blocks where user_id = (select auth.uid()) and blocked_id = p_id))
    $$;
    create policy "tenants and blocks" on public.profiles as restrictive for select to authenticated using (public.may_see(id));
    create policy "tenants and blocks" on public.posts as restrictive for select to authenticated using (public.may_see(author_id))`);
  await pool.query("insert into public.profiles (id) select unnest($1::uuid[])", [people.map(({ id }) => id)]);
  await pool.query("insert into public.members select * from unnest($1::uuid[], $2::int[])", [
    people.map(({ id }) => id),
    people.map(({ tenant }) => tenant),
  ]);
  await pool.query(
    `insert into public.posts (id, author_id, title, visibility, created_at)
     select id, author_id, 'a post', visibility, now() - interval '1 day' from unnest($1::uuid[], $2::uuid[], $3::text[]) as post (id, author_id, visibility)`,
    [
      posts.map(({ id }) => id),
      posts.map(({ author }) => author.id),
      posts.map(({ isPrivate }) => (isPrivate ? "private" : "public")),
    ],
  );
  const model = await publishVectors(
    database,
    posts.map(({ id }) => id),
    vectors.slice(60 * 32),
  );
  await pool.query(
    `insert into recsys.user_embeddings (model_id, user_id, embedding)
     select $1, id, vector::extensions.vector from unnest($2::uuid[], $3::text[]) as person (id, vector)`,
    [model, people.map(({ id }) => id), people.map(({ vector }) => JSON.stringify([...vector]))],
  );
  await pool.query("select recsys.activate_model($1)", [model]);
}

function seesPerson(me: Person, other: Person): boolean {
  return !other.deleted && (me === other || (me.tenant === other.tenant && !me.blocked.has(other.id)));
}
function seesPost(me: Person, { author, isPrivate, deleted }: Post): boolean {
  return !deleted && seesPerson(me, author) && (!isPrivate || me === author);
}

/** What changes between requests. */
async function change(): Promise<void> {
  const [person, post] = [pick(people), pick(posts)];
  const kind = random.below(20);
  if (kind < 8) {
    post.isPrivate = !post.isPrivate;
    await pool.query("update public.posts set visibility = $2 where id = $1", [
      post.id,
      post.isPrivate ? "private" : "public",
    ]);
  } else if (kind < 12) {
    const other = pick(people).id;
    person.blocked.add(other);
    await pool.query("insert into public.blocks values ($1, $2) on conflict do nothing", [person.id, other]);
  } else if (kind < 16) {
    person.blocked.clear();
    await pool.query("delete from public.blocks where user_id = $1", [person.id]);
  } else if (kind < 19) {
    person.tenant = random.below(3);
    await pool.query("update public.members set tenant = $2 where user_id = $1", [person.id, person.tenant]);
  } else if (posts.filter(({ deleted }) => deleted).length < 100) {
    post.deleted = true;
    await pool.query("delete from public.posts where id = $1", [post.id]);
  }
}

const innerProduct = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, d) => sum + value * b[d], 0);

/** Those with an id that the caller sees, nearest to a vector. */
function nearest<Item extends { id: string; vector: Float32Array }>(
  items: Item[],
  vector: Float32Array,
  limit: number,
): string[] {
  const near = items.map((item) => ({ id: item.id, similarity: innerProduct(item.vector, vector) }));
  near.sort((a, b) => b.similarity - a.similarity);
  return near.slice(0, limit).map(({ id }) => id);
}

test(`${requests} requests of people whose view of each other changes`, {
  timeout: 60_000 + requests * 1_000,
}, async () => {
  await makeApp();
  const { call } = testApp({ after }, url);
  const counted = { posts: 0, people: 0, unknown: 0, missed: 0, found: 0 };
  for (let n = 0; n < requests; n++) {
    await change();
    const me = pick(people);
    const post =
      random.uniform() < 0.5 ? pick(posts) : pick(posts.filter(({ author }) => author === me).concat(pick(posts)));
    const limit = 1 + random.below(100);
    const kind = random.below(3);
    const where = `request ${n} of ${me.id} about ${post.id}`;
    if (kind === 0) {
      const { status, body } = await call(me.id, { post_id: post.id, limit });
      if (!seesPost(me, post)) {
        assert.deepEqual([status, body.error?.code], [404, "unknown_post"], where);
        counted.unknown++;
        continue;
      }
      const visible = posts.filter((each) => each !== post && seesPost(me, each));
      const expected = new Set(nearest(visible, post.vector, limit));
      const ids = body.items.map((item) => item.post_id as string);
      const readable = new Set(visible.map(({ id }) => id));
      assert.ok(
        ids.every((id) => readable.has(id)),
        `${where}: a leak`,
      );
      assert.equal(new Set(ids).size, Math.min(limit, visible.length), where);
      counted.found += expected.size;
      counted.missed += ids.filter((id) => !expected.has(id)).length;
      counted.posts++;
      continue;
    }
    if (kind === 2) {
      const { status, body } = await call(me.id, { find: "reach", post_id: post.id });
      const isOwn = !post.deleted && post.author === me;
      assert.deepEqual([status, body.error?.code], isOwn ? [200, undefined] : [404, "unknown_post"], where);
      if (!isOwn) counted.unknown++;
      continue;
    }
    // who is near is kept for a day: half of the time the day is over
    const isAnew = random.uniform() < 0.5;
    if (isAnew) await pool.query("delete from recsys_engine.similar_people where user_id = $1", [me.id]);
    const { body } = await call(me.id, { find: "people", limit: 100 });
    const found = body.items.map((item) => item.user_id as string);
    const visible = people.filter((each) => each !== me && seesPerson(me, each));
    const ids = new Set(visible.map(({ id }) => id));
    assert.ok(
      found.every((id) => ids.has(id)),
      `${where}: a leak`,
    );
    if (!isAnew) continue;
    const expected = visible.length < 10 ? [] : nearest(visible, me.vector, 100);
    const tens = (ids: string[]) => ids.flatMap((_, n) => (n % 10 === 0 ? ids.slice(n, n + 10).sort() : []));
    assert.deepEqual(found, tens(expected), where);
    counted.people++;
  }
  assert.ok(Math.min(counted.posts, counted.people, counted.unknown) > requests / 10, JSON.stringify(counted));
  assert.ok(counted.missed / counted.found < 0.02, `recall: ${counted.missed} of ${counted.found} are not the nearest`);
});
