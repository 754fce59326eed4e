/**
 * The whole way from a change to its vector (trigger, pg_cron, pg_net, the function `embed` under Deno) with kills of function and database.
 * SOAK sets how often: 4 times by default, 100 in `npm run test:soak`, which waits for lost leases and prints how long vectors took.
 */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import type pg from "pg";
import { connect } from "../../../db/connect.ts";
import { migrate } from "../../../db/migrate.ts";
import { testCluster, withoutCluster } from "../../../db/testing-cluster.ts";
import { fillVault, makePgNetAndVault, sendQueued } from "../../../db/testing-supabase.ts";
import { startGateway } from "../../../serve/gateway.ts";
import { people } from "../../../testing/community.ts";
import { embeddedCommunity, publishWordModel } from "../../../testing/embed.ts";
import { Random } from "../../../trainer/models/nn/random.ts";

const noCluster = await withoutCluster();

const soak = process.env.SOAK;
const kills = Number(soak || 4);
const random = new Random(11);

test(`function and database killed in mid-work ${kills} times: no job is lost, none stuck, no vector of a wrong model`, {
  skip: noCluster,
  timeout: 120_000 + kills * 30_000,
}, async (t) => {
  const cluster = await testCluster(t);
  const database = await connect(cluster.url, { embedded: false });
  t.after(() => database.close());
  const { pool } = database;
  await migrate(database);
  await embeddedCommunity(database);
  await makePgNetAndVault(pool);
  // every 10 seconds by the migration, which does not schedule it where pg_net is missing
  await pool.query("select cron.schedule('recsys embed', '1 second', 'select recsys_engine.call_embed()')");

  const folder = await mkdtemp(join(tmpdir(), "recsys-"));
  t.after(() => rm(folder, { recursive: true }));
  const serve = async () => {
    const gateway = await startGateway({ databaseUrl: cluster.url, port: 0, folder, onLog: () => undefined });
    await fillVault(pool, gateway);
    return gateway;
  };
  let gateway = await serve();
  t.after(() => gateway.stop());

  const ended = new AbortController();
  const ever = (every: number, work: () => Promise<unknown>) =>
    (async () => {
      // what fails while the database is away is not done again
      for (; !ended.signal.aborted; await setTimeout(every)) await work().catch(() => undefined);
    })();
  const vectors = waitingTimes(pool);
  let writing = true;
  const loops = [
    ever(50, () => sendQueued(pool)),
    ever(100, vectors.look),
    ever(60, async () => writing && (await write(pool, vectors.inserted))),
  ];
  t.after(async () => {
    ended.abort();
    await Promise.all(loops);
  });

  let lost = 0;
  let switches = 0;
  for (let n = 0; n < kills; n++) {
    // a model takes over, or the one before comes back; some are killed with the rest
    const isSwitched = n % 5 === 0 || n % 5 === 2;
    const switching =
      n % 5 === 0
        ? publishWordModel(database, `model ${n}`, { seed: n + 2 })
        : pool.query(isSwitched ? "select recsys.rollback_model()" : "select");
    const switched = switching.then(
      () => Number(isSwitched),
      () => 0,
    );
    // some time to get on; then in mid-work
    await setTimeout(random.uniform() * (soak ? 4000 : 1000));
    await until(async () => (await claims(pool)) > 0, 60, "a claim");
    await setTimeout(random.uniform() * 200);
    if (n % 2 === 0) {
      process.kill(gateway.processId, "SIGKILL");
      await gateway.ended;
      lost += Number((await claims(pool)) > 0);
      gateway = await serve();
    } else {
      await cluster.crash(n % 4 === 1 ? "SIGQUIT" : "SIGKILL");
      lost += Number((await claims(pool)) > 0);
    }
    switches += await switched;
    const { rows } = await pool.query("select count(*)::int as n from recsys.models where status = 'active'");
    assert.equal(rows[0].n, 1);
  }

  writing = false;
  // a vector of a user is made of the posts of that moment: once more, when these have theirs
  await drained(pool);
  await pool.query(
    "update public.profiles set bio = bio || ' at last' where id in (select author_id from public.posts union select user_id from recsys.source_interactions)",
  );
  await drained(pool);
  await vectors.look();
  const { rows: dead } = await pool.query("select * from recsys.embedding_dead_letters");
  assert.deepEqual(dead, []);
  assert.deepEqual(await wrongVectors(database), []);
  // and so it is for the model before, though others' vectors were made meanwhile
  const { rows: before } = await pool.query("select from recsys.models where status = 'retired'");
  if (before.length > 0) {
    await pool.query("select recsys.rollback_model()");
    await drained(pool);
    await pool.query("update public.profiles set bio = bio || ' and again'");
    await drained(pool);
    assert.deepEqual(await wrongVectors(database), []);
  }
  if (soak)
    console.error(
      `${kills} kills, ${lost} of them left claims behind, ${switches} switches of models; ${vectors.summary()}`,
    );
});

/** Jobs that a worker has claimed. */
async function claims(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query(
    "select count(*)::int as n, bool_and(claimed_until <= now() + interval '30 seconds') as bounded from recsys_engine.embedding_jobs where claimed_until > now()",
  );
  assert.notEqual(rows[0].bounded, false, "nothing is held longer than a lease");
  return rows[0].n;
}

/** Waits until the queue is empty; without SOAK the leases that were lost are over at once. */
async function drained(pool: pg.Pool): Promise<void> {
  const empty = async () => {
    if (!soak)
      await pool.query(
        // a change of a claimed job resets the count of attempts, and the lease goes on
        "update recsys_engine.embedding_jobs set claimed_until = now() where claimed_until > now() + interval '20 seconds'",
      );
    return (await pool.query("select from recsys_engine.embedding_jobs where not is_dead")).rowCount === 0;
  };
  await until(empty, 300, "the rest");
}

async function until(isTrue: () => Promise<boolean>, seconds: number, what: string): Promise<void> {
  // no server answers just after a kill
  const sure = () => isTrue().catch((error) => (error.name === "AssertionError" ? Promise.reject(error) : false));
  for (const end = Date.now() + seconds * 1000; !(await sure()); await setTimeout(10))
    assert.ok(Date.now() < end, `${what} takes more than ${seconds} s`);
}

/** Posts and users whose vector is not the one that the active model makes of them now, by a publish of the same model. */
async function wrongVectors(database: Parameters<typeof publishWordModel>[0]): Promise<unknown[]> {
  const { pool } = database;
  const { rows } = await pool.query(
    "select model_id, (metrics->>'seed')::int as seed from recsys.models where status = 'active'",
  );
  const [{ model_id, seed }] = rows;
  const check = await publishWordModel(database, `check of ${model_id}`, { seed, activate: false });
  const wrong = await pool.query(
    ["post", "user"]
      .map(
        (kind) => `select '${kind}' as kind, source.${kind}_id as id, given.embedding is null as missing
          from recsys.source_${kind}s as source
          left join recsys.${kind}_embeddings as given on given.${kind}_id = source.${kind}_id and given.model_id = $1
          left join recsys.${kind}_embeddings as should on should.${kind}_id = source.${kind}_id and should.model_id = $2
          where (given.embedding operator(extensions.<#>) should.embedding <= -0.9999) is not true`,
      )
      .join(" union all "),
    [model_id, check],
  );
  return wrong.rows;
}

/** How long new posts and users wait for a vector of the active model. */
function waitingTimes(pool: pg.Pool) {
  const waiting = new Map<string, number>();
  const seconds: number[] = [];
  return {
    inserted: waiting,
    async look() {
      const { rows } = await pool.query<{ id: string }>(
        `with active as (select model_id from recsys.models where status = 'active')
         select post_id as id from recsys.post_embeddings where model_id = (select model_id from active) and post_id = any($1)
         union all
         select user_id from recsys.user_embeddings where model_id = (select model_id from active) and user_id = any($1)`,
        [[...waiting.keys()]],
      );
      for (const { id } of rows) {
        seconds.push((performance.now() - (waiting.get(id) ?? 0)) / 1000);
        waiting.delete(id);
      }
    },
    summary() {
      const sorted = seconds.sort((a, b) => a - b);
      const at = (share: number) => `${sorted[Math.floor((sorted.length - 1) * share)].toFixed(1)} s`;
      return `${sorted.length} inserted, vector after ${at(0.5)} (median), ${at(0.95)} (95 %), ${at(1)} (worst)`;
    },
  };
}

/** One change of a text, mostly of a post; notes when what it inserted was committed. */
async function write(pool: pg.Pool, inserted: Map<string, number>): Promise<void> {
  const words = Array.from({ length: 5 }, () => `word${random.below(2000)}`).join(" ");
  const any = (table: string) => `(select id from public.${table} order by random() limit 1)`;
  const insert = async (statement: string, ids: string[]) => {
    await pool.query(statement, [ids, words]);
    for (const id of ids) inserted.set(id, performance.now());
  };
  const ids = (count: number) => Array.from({ length: count }, () => crypto.randomUUID());
  const posts = (count: number) =>
    insert(
      `insert into public.posts (id, author_id, title) select id, '${people.author}', $2 || ' ' || id from unnest($1::uuid[]) as id`,
      ids(count),
    );
  const changes = [
    () => posts(1),
    () => posts(1),
    () => posts(20),
    () => insert("insert into public.profiles (id, bio) select id, $2 from unnest($1::uuid[]) as id", ids(1)),
    () =>
      pool.query(
        `update public.posts set description = $1 where id in (select id from public.posts order by random() limit 3)`,
        [words],
      ),
    () => pool.query(`update public.posts set title = $1 where id = ${any("posts")}`, [words]),
    () => pool.query(`update public.profiles set bio = $1 where id = ${any("profiles")}`, [words]),
    () =>
      pool.query(`insert into public.projects (owner_id, title) select id, $1 from ${any("profiles")} as owner`, [
        words,
      ]),
    () => pool.query(`delete from public.projects where id = ${any("projects")}`),
    async () => {
      const { rows } = await pool.query(`delete from public.posts where id = ${any("posts")} returning id`);
      for (const { id } of rows) inserted.delete(id);
    },
  ];
  await changes[random.below(changes.length)]();
}
