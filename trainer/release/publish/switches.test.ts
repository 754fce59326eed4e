/** What operators, publishes and upkeep do to models at the same moment, on a PostgreSQL. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { readCommunityId } from "../../../db/settings.ts";
import { testDatabase, withoutPostgres } from "../../../db/testing.ts";
import { dimensions } from "../../../supabase/functions/_shared/features/history.ts";
import { clear, fillCommunity, publishTinyModel } from "../../../testing/community.ts";
import { isFull } from "../../../testing/courses.ts";
import { handMadeModel } from "../../../testing/gate.ts";
import { type ModelFolder, writeModelFolder } from "../../artifacts/model-folder/model-folder.ts";
import { publish } from "./publish.ts";

const skip = await withoutPostgres();
const database = await testDatabase({ after }, "switches");
const { pool } = database;
const cli = fileURLToPath(new URL("../../../cli/cli.ts", import.meta.url));

beforeEach(async () => {
  await clear(pool);
  await fillCommunity(pool);
});

async function statuses(): Promise<string[]> {
  const { rows } = await pool.query("select name, status from recsys.models order by model_id");
  return rows.map(({ name, status }) => `${name} ${status}`);
}

async function idOf(name: string): Promise<number> {
  return (await pool.query("select model_id from recsys.models where name = $1", [name])).rows[0].model_id;
}

async function model(name: string): Promise<ModelFolder> {
  const { rows } = await pool.query("select post_id from recsys.source_posts");
  const axis = new Float32Array(dimensions).fill(1, 0, 1);
  const postIdEmbeddings = new Map(rows.map(({ post_id }) => [post_id, axis]));
  return await handMadeModel({ name, community: await readCommunityId(database), postIdEmbeddings });
}

/** A session with an open transaction; rolled back when the test is over. */
async function session(t: { after(clean: () => Promise<void>): void }): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  t.after(() => client.end());
  await client.query("begin");
  return client;
}

/** Resolves when a session waits for a lock. */
async function somebodyWaits(): Promise<void> {
  const waiting = "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
  while (!(await pool.query(waiting)).rowCount) await setTimeout(10);
}

test("a publish that is refused because another runs leaves that one alone", { skip }, async (t) => {
  await publishTinyModel(pool, { name: "old" });
  const [first, second] = [await model("first"), await model("second")];
  const reader = await session(t);
  // completing a model waits for this: the first has its tables, which hold posts, and does not end before the second is refused
  await reader.query("lock table recsys.user_embeddings in share update exclusive mode");
  const published = publish(database, first, { activate: true });
  await somebodyWaits();
  await assert.rejects(publish(database, second, { activate: true }), /another publish is running/);
  await reader.query("commit");
  const id = await published;
  assert.deepEqual(await statuses(), ["old retired", "first active"]);
  const { rows } = await pool.query("select count(*)::int as n from recsys.post_embeddings where model_id = $1", [id]);
  assert.equal(rows[0].n, 31);
  await publish(database, second, { activate: true });
  assert.deepEqual(await statuses(), ["old retired", "first retired", "second active"]);
});

test("a model that is being dropped cannot become active, and one that is being activated cannot be dropped", {
  skip,
}, async (t) => {
  for (const name of ["wanted", "active"]) await publishTinyModel(pool, { name });
  const wanted = await idOf("wanted");
  const dropping = await session(t);
  await dropping.query("select recsys_engine.drop_model($1)", [wanted]);
  const activation = assert.rejects(pool.query("select recsys.activate_model($1)", [wanted]), /not there/);
  await somebodyWaits();
  await dropping.query("commit");
  await activation;
  assert.deepEqual(await statuses(), ["active active"]);

  await publishTinyModel(pool, { name: "next" });
  const back = await idOf("active");
  const activating = await session(t);
  await activating.query("select recsys.activate_model($1)", [back]);
  await assert.rejects(pool.query("select recsys_engine.drop_model($1)", [back]), { code: "55P03" });
  await activating.query("commit");
  await assert.rejects(pool.query("select recsys_engine.drop_model($1)", [back]), /is active/);
  assert.deepEqual(await statuses(), ["active active", "next retired"]);
});

test("two concurrent rollbacks take one model out", { skip }, async (t) => {
  for (const name of ["one", "two", "three"]) await publishTinyModel(pool, { name });
  const operator = await session(t);
  await operator.query("select recsys.rollback_model()");
  const second = assert.rejects(pool.query("select recsys.rollback_model()"), /model \d+ is not active \(any more\)/);
  await somebodyWaits();
  await operator.query("commit");
  await second;
  assert.deepEqual(await statuses(), ["one retired", "two active", "three rolled_back"]);
});

test("a model that was compared with another than the one that serves by now is not activated", { skip }, async () => {
  for (const name of ["one", "two"]) await publishTinyModel(pool, { name });
  const candidate = await model("late");
  let rolledBack: Promise<unknown> | undefined;
  const late = publish(database, candidate, {
    activate: true,
    onProgress: ({ step }) => {
      if (step === "embedding posts") rolledBack ??= pool.query("select recsys.rollback_model()");
    },
  });
  await assert.rejects(late, /rolled back while late was published: it is ready, and `recsys activate late`/);
  await rolledBack;
  assert.deepEqual(await statuses(), ["one active", "two rolled_back", "late ready"]);
});

test("completing a model takes longer than a statement may", { skip }, async (t) => {
  await publishTinyModel(pool, { name: "old" });
  const candidate = await model("slow");
  const reader = await session(t);
  // attaching waits for this; anything else that takes a second fails
  await reader.query("lock table recsys.user_embeddings in share update exclusive mode");
  const name = new URL(database.url).pathname.slice(1);
  await pool.query(`alter database ${name} set statement_timeout = '1s'`);
  const slow = { ...database, pool: new pg.Pool({ connectionString: database.url, max: 8 }) };
  try {
    const published = publish(slow, candidate, { activate: true });
    await somebodyWaits();
    await setTimeout(1500);
    await reader.query("commit");
    await published;
    assert.deepEqual(await statuses(), ["old retired", "slow active"]);
  } finally {
    await pool.query(`alter database ${name} reset statement_timeout`);
    await slow.pool.end();
  }
});

test("a publish that is stopped or killed while it builds lets go at once, and leaves nothing that stays", {
  skip,
}, async (t) => {
  await publishTinyModel(pool, { name: "old" });
  const reader = await session(t);
  // completing a model waits for this
  await reader.query("lock table recsys.user_embeddings in share update exclusive mode");
  const stopping = new AbortController();
  const stopped = publish(database, await model("stopped"), { activate: true, signal: stopping.signal });
  await somebodyWaits();
  stopping.abort(new Error("stopped by hand"));
  await assert.rejects(stopped, /stopped by hand/);
  assert.deepEqual(await statuses(), ["old active"]);

  const folder = await mkdtemp(join(tmpdir(), "recsys-killed-"));
  t.after(() => rm(folder, { recursive: true }));
  await writeModelFolder(join(folder, "killed"), await model("killed"));
  const child = spawn(process.execPath, [cli, "publish", join(folder, "killed"), "--database", database.url], {
    cwd: folder,
    stdio: "ignore",
  });
  await somebodyWaits();
  child.kill("SIGKILL");
  await once(child, "exit");
  assert.deepEqual(await statuses(), ["old active", "killed candidate"]);
  // the reader still holds the table: only its end of the connection tells the server that the model is not needed
  // any more
  const next = await model("next");
  for (const end = Date.now() + 30_000; ; await setTimeout(200)) {
    const { rows } = await pool.query(
      "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
    );
    if (rows.length === 0) break;
    assert.ok(Date.now() < end, "the killed publish goes on");
  }
  await reader.query("commit");
  await publish(database, next, { activate: true });
  assert.deepEqual(await statuses(), ["old retired", "next active"]);
});

/** Readers as feeds are, one after another on a few connections; one that waits 150 ms for a lock fails. */
function readers(active: number) {
  let stopped = false;
  const counts = { read: 0 };
  const work = Array.from({ length: 3 }, async () => {
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    try {
      await client.query("set lock_timeout = '150ms'");
      while (!stopped) {
        await client.query("begin read only");
        await client.query(
          "select (select count(*) from recsys.post_embeddings where model_id = $1) from recsys.user_embeddings where model_id = $1",
          [active],
        );
        await client.query("select embedding from recsys.post_embeddings where model_id = $1 limit 5", [active]);
        await client.query("commit");
        counts.read++;
      }
    } finally {
      await client.end();
    }
  });
  // it must not be lost when a reader fails early
  const done = Promise.all(work);
  done.catch(() => {});
  const stop = async () => {
    stopped = true;
    await done;
    return counts.read;
  };
  return { stop };
}

test("no feed waits for a model that is completed, nor for one that is dropped", { skip }, async () => {
  for (const name of ["old", "active"]) await publishTinyModel(pool, { name });
  const { stop } = readers(await idOf("active"));
  let given = 0;
  const rounds = isFull ? 10 : 2;
  for (let round = 0; round < rounds; round++) {
    const name = `model ${round}`;
    await publish(database, await model(name), {
      activate: false,
    });
    for (let dropped = false; !dropped; ) {
      dropped = await pool.query("select recsys_engine.drop_model($1)", [await idOf(name)]).then(
        () => true,
        (error) => {
          assert.equal(error.code, "55P03");
          given++;
          return false;
        },
      );
      if (!dropped) await setTimeout(20);
    }
  }
  assert.ok((await stop()) > 5 * rounds);
  assert.ok(given < 10 * rounds, `gave up ${given} times`);
  assert.deepEqual(await statuses(), ["old retired", "active active"]);
});

test("a drop while somebody reads for long gives up at once, and feeds go on", { skip }, async (t) => {
  for (const name of ["old", "active"]) await publishTinyModel(pool, { name });
  const longReader = await session(t);
  await longReader.query("select count(*) from recsys.post_embeddings");
  const { stop } = readers(await idOf("active"));
  const old = await idOf("old");
  for (let attempt = 0; attempt < 10; attempt++) {
    const started = performance.now();
    await assert.rejects(pool.query("select recsys_engine.drop_model($1)", [old]), {
      code: "55P03",
      message: /are being read/,
    });
    assert.ok(performance.now() - started < 5000);
  }
  await stop();
  assert.deepEqual(await statuses(), ["old retired", "active active"]);
  await longReader.query("commit");
  await pool.query("select recsys_engine.drop_model($1)", [old]);
  assert.deepEqual(await statuses(), ["active active"]);
});

test("a publish drops what no rollback needs", { skip }, async () => {
  await pool.query("update recsys.settings set retired_models_kept = 1");
  for (const name of ["one", "two", "three"])
    await publish(database, await model(name), {
      activate: true,
    });
  await pool.query("update recsys.settings set retired_models_kept = default");
  assert.deepEqual(await statuses(), ["two retired", "three active"]);
  const { rows } = await pool.query(
    "select name, ended_at is null as serves from recsys_engine.model_activations order by activation_id desc limit 3",
  );
  assert.deepEqual(
    rows.map(({ name, serves }) => `${name} ${serves}`),
    ["three true", "two false", "one false"],
  );
});
