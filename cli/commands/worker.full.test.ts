/**
 * `recsys worker` as a process, and what is left when it or its connections are ended in mid-work. SOAK sets how often:
 * 20 times by default, 100 in `npm run test:soak`.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { testDatabase, withoutPostgres } from "../../db/testing.ts";
import { people, uuid } from "../../testing/community.ts";
import { embeddedCommunity, publishWordModel, vectorOf } from "../../testing/embed.ts";
import { Random } from "../../trainer/models/nn/random.ts";

const noPostgres = await withoutPostgres();

const database = await testDatabase({ after }, "worker");
const { pool, url } = database;
const cli = fileURLToPath(new URL("../cli.ts", import.meta.url));
const times = Number(process.env.SOAK ?? 20);
let model: number;
before(async () => {
  model = await embeddedCommunity(database);
});

interface Worker {
  child: ChildProcess;
  output: { stdout: string; stderr: string };
}

function startWorker(): Worker {
  const child = spawn(process.execPath, [cli, "worker", "--database", url], { stdio: ["ignore", "pipe", "pipe"] });
  const output = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const)
    child[stream]?.on("data", (text) => {
      output[stream] += text;
    });
  return { child, output };
}

async function waiting(): Promise<number> {
  return (await pool.query("select count(*)::int as n from recsys_engine.embedding_jobs")).rows[0].n;
}

async function until(isTrue: () => Promise<boolean>, seconds: number, what: string) {
  for (const end = Date.now() + seconds * 1000; !(await isTrue()); await setTimeout(2))
    assert.ok(Date.now() < end, `${what} takes more than ${seconds} s`);
}

let posts = 0;
async function insertPosts(count: number): Promise<void> {
  await pool.query(
    `insert into public.posts (id, author_id, title) select id, $1, 'Post number ' || number
     from unnest($2::uuid[], $3::int[]) as post (id, number)`,
    [
      people.author,
      ...[(n: number) => uuid("d", n), (n: number) => n].map((of) =>
        Array.from({ length: count }, (_, i) => of(posts + i)),
      ),
    ],
  );
  posts += count;
}

test("it embeds what comes, and ends with Ctrl-C, status 0 and a count", async (t) => {
  await insertPosts(3);
  const { child, output } = startWorker();
  t.after(() => child.kill("SIGKILL"));
  await until(async () => (await waiting()) === 0, 60, "the first");
  await insertPosts(4);
  await until(async () => (await waiting()) === 0, 30, "the next");
  assert.ok(await vectorOf(pool, "post", uuid("d", 6), model));
  await until(async () => output.stdout.includes(" topics in "), 30, "the topics of the model");
  child.kill("SIGINT");
  assert.deepEqual(await once(child, "exit"), [0, null]);
  // meanwhile it makes topics of the posts that have a vector by then
  assert.match(
    output.stdout,
    /^embedding new and edited posts.*\n(2 topics in 31|[23] topics in 3[48]) posts, .*\nembedded 7, failed 0\n$/,
  );
  assert.equal(output.stderr, "");
});

test(`ended in mid-work ${times} times, it loses no job, and no vector is of the wrong model`, {
  skip: noPostgres,
  timeout: 60_000 + times * 10_000,
}, async (t) => {
  const random = new Random(7);
  let worker = startWorker();
  t.after(() => worker.child.kill("SIGKILL"));
  for (let n = 0; n < times; n++) {
    // now and then another model takes over, with other vectors for the same texts
    if (n % 5 === 4) model = await publishWordModel(database, `model ${n}`, { seed: n });
    const { rows: before } = await pool.query("select last_value as claim from recsys_engine.embedding_claim_seq");
    await insertPosts(200);
    await pool.query("update public.posts set description = description || ' again' where random() < 0.05");
    // in mid-work: some of it is claimed, some done
    const begun = async () =>
      (await pool.query("select from recsys_engine.embedding_jobs where claim > $1", [before[0].claim])).rowCount !== 0;
    await until(begun, 60, "a claim");
    await setTimeout(random.uniform() * 150);
    if (n % 2 === 0) {
      worker.child.kill("SIGKILL");
      await once(worker.child, "exit");
      worker = startWorker();
    } else
      await pool.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid() and query ~ 'embedding_jobs|model_artifacts|source_posts|set_config'`,
      );
    const { rows } = await pool.query(
      "select max(claimed_until) - now() <= '30 seconds' as bounded from recsys_engine.embedding_jobs",
    );
    assert.notEqual(rows[0].bounded, false, "nothing is held longer than a lease");
  }
  await until(async () => (await waiting()) === 0, 90, "the rest");
  const { rows: dead } = await pool.query("select * from recsys.embedding_dead_letters");
  assert.deepEqual(dead, []);
  worker.child.kill("SIGINT");
  assert.deepEqual(await once(worker.child, "exit"), [0, null], worker.output.stderr);

  const { rows: coverage } = await pool.query(
    "select posts::int, posts_with_vector::int from recsys_engine.embedding_coverage where model_id = $1",
    [model],
  );
  assert.equal(coverage[0].posts_with_vector, coverage[0].posts);
  // every vector is what a publish of the same model gives for the text as it is now
  const check = await publishWordModel(database, "check", { seed: times - 1 - (times % 5), activate: false });
  const { rows: wrong } = await pool.query(
    `select post_id from recsys.post_embeddings as given join recsys.post_embeddings as should using (post_id)
     where given.model_id = $1 and should.model_id = $2 and given.embedding operator(extensions.<#>) should.embedding > -0.9999`,
    [model, check],
  );
  assert.deepEqual(wrong, []);
});
