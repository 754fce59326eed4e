/** For tests: a small community in which anything may change at any time. */
import type pg from "pg";
import type { Database } from "../db/connect.ts";
import type { Random } from "../trainer/models/nn/random.ts";

const tables = ["post_views", "post_views", "post_votes", "comments", "logins"];
const interactions = tables.slice(0, 4);
const start = Date.parse("2026-01-01T00:00:00Z");
const hour = 3_600_000;

type Client = Pick<pg.ClientBase, "query">;
type Change = (client: Client, random: Random) => Promise<unknown>;

const pick = <T>(random: Random, values: T[]): T => values[random.below(values.length)] as T;
/** A row's id, as SQL: any of a table, though the same for the same random numbers. */
const anyOf = (random: Random, table: string) =>
  `(select id from public.${table} order by md5(id::text || ${random.below(1e9)}), id limit 1)`;
const newId = (random: Random) => `md5('${random.below(1e9)}')::uuid`;

/** Mostly whole hours of ten days, so that many events share an instant; some come before their post exists, some at odd times. */
function someTime(random: Random): string {
  const odd = ["1990-01-01T00:00:00Z", "2199-06-01T23:59:59.999Z", "2026-01-04T05:06:07.001Z"];
  return random.below(50) === 0 ? pick(random, odd) : new Date(start + random.below(240) * hour).toISOString();
}

const addPerson: Change = (client, random) =>
  client.query(`insert into public.profiles (id) values (${newId(random)}) on conflict do nothing`);

const addPost: Change = (client, random) => {
  const author = random.below(5) === 0 ? "null" : anyOf(random, "profiles");
  return client.query(
    `insert into public.posts (id, author_id, title, created_at) values (${newId(random)}, ${author}, 'a post', $1) on conflict do nothing`,
    [someTime(random)],
  );
};

const addEvent: Change = (client, random) => {
  const table = pick(random, tables);
  const values = [anyOf(random, "profiles"), "$1", ...(table === "logins" ? [] : [anyOf(random, "posts")])];
  const columns = ["user_id", "created_at", "post_id"].slice(0, values.length);
  return client.query(`insert into public.${table} (${columns}) select ${values} on conflict do nothing`, [
    someTime(random),
  ]);
};

/** One statement, many rows: every user interacts with a post, twice at the same instant. */
const addCrowd: Change = (client, random) =>
  client.query(
    `insert into public.${pick(random, interactions)} (user_id, post_id, created_at)
     select profiles.id, ${anyOf(random, "posts")}, $1::timestamptz + number * interval '1 hour'
     from public.profiles cross join unnest(array[0, 0, 5]) as number on conflict do nothing`,
    [someTime(random)],
  );

const removeEvent: Change = (client, random) => {
  const table = pick(random, tables);
  return client.query(`delete from public.${table} where id = ${anyOf(random, table)}`);
};

const takeBackVotes: Change = (client, random) =>
  client.query(
    `delete from public.post_votes where user_id = ${anyOf(random, "profiles")} or post_id = ${anyOf(random, "posts")}`,
  );

const updateEvent = (set: (random: Random) => string, of = tables): Change => {
  return (client, random) => {
    const table = pick(random, of);
    return client.query(`update public.${table} set ${set(random)} where id = ${anyOf(random, table)}`);
  };
};

const updatePost = (set: (random: Random) => string): Change => {
  return (client, random) =>
    client.query(`update public.posts set ${set(random)} where id = ${anyOf(random, "posts")}`);
};

const deletePost: Change = async (client, random) => {
  await client.query(`delete from public.posts where id = ${anyOf(random, "posts")}`);
  await addPost(client, random);
};

const deletePerson: Change = async (client, random) => {
  await client.query(`delete from public.profiles where id = ${anyOf(random, "profiles")}`);
  await addPerson(client, random);
  await addPost(client, random);
};

const truncate: Change = (client, random) => client.query(`truncate public.${pick(random, tables)}`);

/** What a crash leaves: nothing of a transaction, wherever in it it comes. */
const crash: Change = async (client, random) => {
  await client.query("begin");
  await addCrowd(client, random);
  if (random.below(2) === 0) await client.query("select recsys.roll_up()");
  await removeEvent(client, random);
  await client.query("rollback");
};

/** As after an import: so many changes that the roll-up does not look at each. */
const manyChanges: Change = async (client, random) => {
  await addCrowd(client, random);
  await client.query(
    "insert into recsys_engine.feature_changes (user_id, post_id, at) select user_id, post_id, at from (select * from recsys_engine.feature_changes order by change_id desc limit 1) as last, generate_series(1, 20001)",
  );
};

/** The night's job, with far fewer states to keep, in small portions. About half of what there is stays, so that both sides get their changes. */
const thin: Change = (client, random) =>
  client.query("select recsys_engine.prune_feature_store($1, $2)", [40 + random.below(160), 1 + random.below(30)]);

const changes: [name: string, weight: number, change: Change][] = [
  ["event added", 120, addEvent],
  ["crowd", 4, addCrowd],
  ["event removed", 60, removeEvent],
  ["votes taken back", 6, takeBackVotes],
  ["time edited", 20, updateEvent((random) => `created_at = '${someTime(random)}'`)],
  ["user edited", 15, updateEvent((random) => `user_id = ${anyOf(random, "profiles")}`)],
  ["post edited", 15, updateEvent((random) => `post_id = ${anyOf(random, "posts")}`, interactions)],
  // a vote below 0 is no interaction
  ["value edited", 15, updateEvent((random) => `value = ${random.below(5) - 2}`, interactions)],
  ["order edited", 5, updateEvent(() => "id = nextval('public.interaction_id_seq')", interactions)],
  [
    "all events shifted",
    1,
    (client) => client.query("update public.comments set created_at = created_at + interval '1 hour'"),
  ],
  ["author changed", 8, updatePost((random) => `author_id = ${anyOf(random, "profiles")}`)],
  ["author gone", 2, updatePost(() => "author_id = null")],
  ["post moved in time", 8, updatePost((random) => `created_at = '${someTime(random)}'`)],
  ["post's text edited", 4, updatePost(() => "title = title || '!'")],
  ["post deleted", 3, deletePost],
  ["person deleted", 2, deletePerson],
  ["table truncated", 0.5, truncate],
  ["crash", 4, crash],
  ["many changes", 0.3, manyChanges],
  ["thinned", 20, thin],
];
const weights = changes.reduce((sum, [, weight]) => sum + weight, 0);

/** People, posts, and 150 events. */
export async function fillCommunity({ pool }: Database, random: Random): Promise<void> {
  for (let i = 0; i < 8; i++) await addPerson(pool, random);
  for (let i = 0; i < 10; i++) await addPost(pool, random);
  for (let i = 0; i < 150; i++) await addEvent(pool, random);
}

/** Makes a change of any kind, and says of which. */
export async function changeSomething({ pool }: Pick<Database, "pool">, random: Random): Promise<string> {
  const { name, change } = anyChange(random);
  const client = await pool.connect();
  try {
    await change(client, random);
    return name;
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return "refused";
  } finally {
    client.release();
  }
}

/** Makes some changes in one transaction; `pause` comes before its end. */
export async function changeTogether({ pool }: Pick<Database, "pool">, random: Random, pause: () => Promise<void>) {
  const client = await pool.connect();
  try {
    await client.query("begin");
    for (let i = 1 + random.below(4); i > 0; i--) {
      const { name, change } = anyChange(random);
      if (!alone.has(name)) await change(client, random);
    }
    await pause();
    await client.query("commit");
  } catch (error) {
    await client.query("rollback");
    if (!isRefusal(error)) throw error;
  } finally {
    client.release();
  }
}

function anyChange(random: Random): { name: string; change: Change } {
  let place = random.uniform() * weights;
  for (const [name, weight, change] of changes) {
    place -= weight;
    if (place < 0) return { name, change };
  }
  throw new Error("the weights do not add up");
}

/** Changes that end a transaction, stop all others, or wait for the roll-up, which waits for writers. */
const alone = new Set(["crash", "table truncated", "many changes", "thinned"]);

/**
 * Another client does the same with the same post at the same instant already; or, where several write at the same
 * time: the post or the person is just being deleted, or two wait for each other.
 */
function isRefusal(error: unknown): boolean {
  return ["23505", "23503", "40P01"].includes((error as pg.DatabaseError).code ?? "");
}
