/**
 * Encoders of a local folder. @huggingface/transformers is no dependency, of its 475 MB: the tests that need it run it where
 * `npm run setup:encoders` put it; the others run a stand-in of what is used of it.
 */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { eitherDatabase } from "../db/testing.ts";
import { openPool } from "../supabase/functions/_shared/database/pool.ts";
import { encodeBatch } from "../supabase/functions/_shared/embed/encode-posts.ts";
import type { Encoder } from "../supabase/functions/_shared/embed/encoders.ts";
import { people, uuid } from "../testing/community.ts";
import { embeddedCommunity } from "../testing/embed.ts";
import { runEmbeddingLoop } from "./background-loops.ts";
import { checkEncoders, localEncoders } from "./local-encoders.ts";
import { installStandIn, vectorByHand, writeTinyEncoder } from "./testing-encoder.ts";

const transformers = fileURLToPath(new URL("../node_modules/.encoders", import.meta.url));
const skip =
  !existsSync(join(transformers, "node_modules")) && "needs @huggingface/transformers: npm run setup:encoders";

const database = await eitherDatabase({ after }, "local_encoders");
const { pool } = database;
const folder = mkdtempSync(join(tmpdir(), "encoders-"));
after(() => rmSync(folder, { recursive: true }));
before(async () => {
  writeTinyEncoder(folder, "tiny");
  await embeddedCommunity(database);
});

interface Tested {
  from: string;
  told: string[];
  encoders(name: string): Encoder | undefined;
  /** The model, once it is loaded. */
  loaded(name?: string): Promise<Encoder>;
}
/** `installed`: the stand-in, in a folder of its own. */
function open(t: TestContext, { installed = true, real = false, pause = 50 } = {}): Tested {
  const from = real ? transformers : mkdtempSync(join(folder, "app-"));
  if (installed && !real) installStandIn(from);
  const told: string[] = [];
  const { encoders, stop } = localEncoders(folder, ({ message }) => void told.push(message), { from, pause });
  t.after(stop);
  const loaded = async (name = "tiny") => {
    for (const end = Date.now() + 30_000; Date.now() < end; await setTimeout(10)) {
      const encoder = encoders(name);
      if (encoder) return encoder;
    }
    throw new Error(`it does not load: ${told}`);
  };
  return { from, told, encoders, loaded };
}

const near = (vector: ArrayLike<number>, expected: number[]) => {
  assert.equal(vector.length, expected.length);
  for (const [d, value] of expected.entries())
    assert.ok(Math.abs(vector[d] - value) < 1e-5, `${vector[d]}, not ${value}`);
};

test("@huggingface/transformers gives the mean of the model's pieces at unit length, of its 512 first", {
  skip,
}, async (t) => {
  const encode = await open(t, { real: true }).loaded();
  near(await encode("Rye bread"), vectorByHand(["rye", "bread"]));
  near(await encode("a TOWER of unknown blocks"), vectorByHand(["?", "tower", "of", "?", "blocks"]));
  // it cuts the mark at the end, too
  near(await encode("rye ".repeat(2000)), vectorByHand(Array(511).fill("rye"), []));
  near(await encode(""), vectorByHand([]));
});

test("@huggingface/transformers says what is broken in a model, in one line, and fetches nothing", {
  skip,
}, async (t) => {
  const { encoders, told } = open(t, { real: true });
  const cases = { "onnx/model.onnx": /Protobuf parsing failed/, "tokenizer.json": /JSON/, "config.json": /JSON/ };
  for (const [file, reason] of Object.entries(cases)) {
    writeTinyEncoder(folder, "bad");
    writeFileSync(join(folder, "bad", file), "{broken");
    await until(() => {
      assert.equal(encoders("bad"), undefined);
      return told.length > 0;
    });
    assert.match(
      told[0],
      /^the model in .*bad does not load \(.*\): download it again, or install .* again; until then/,
    );
    assert.match(told[0], reason);
    assert.ok(!told[0].includes("\n"));
    await setTimeout(60);
    told.length = 0;
  }
});

for (const real of [false, true])
  test(`a worker encodes what waits, next to the towers' own ONNX Runtime, by ${real ? "@huggingface/transformers" : "the stand-in"}`, {
    skip: real && skip,
  }, async (t) => {
    const from = real ? transformers : mkdtempSync(join(folder, "app-"));
    if (!real) installStandIn(from);
    const before = process.cwd();
    process.chdir(from);
    t.after(() => process.chdir(before));
    await pool.query("delete from recsys_engine.raw_vectors");
    await pool.query("update recsys.settings set text_encoder = null");
    await pool.query("update recsys.settings set text_encoder = 'tiny'");
    const told: unknown[] = [];
    const id = uuid("d", real ? 1 : 2);
    await pool.query("insert into public.posts (id, author_id, title) values ($1, $2, 'Rye bread')", [
      id,
      people.author,
    ]);
    const { rows: posts } = await pool.query("select count(*)::int from public.posts");
    const stop = runEmbeddingLoop(database, { every: 20, encoders: folder, onError: (error) => told.push(error) });
    try {
      await until(async () => (await counts()).made === posts[0].count && (await counts()).waiting === 0);
    } finally {
      await stop();
    }
    assert.deepEqual(told, []);
    const { rows } = await pool.query("select encoder, vector from recsys_engine.raw_vectors where post_id = $1", [id]);
    assert.equal(rows[0].encoder, "tiny");
    const by3 = Math.hypot(9, 1, 2);
    near(rows[0].vector, real ? vectorByHand(["rye", "bread"]) : [9 / by3, 1 / by3, 2 / by3]);
  });

const counts = async () => {
  const { rows } = await pool.query(
    "select (select count(*)::int from recsys_engine.raw_vectors) as made, (select count(*)::int from recsys_engine.encoding_jobs) + (select count(*)::int from recsys_engine.embedding_jobs) as waiting",
  );
  return rows[0];
};

async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 30_000; !(await isTrue()); await setTimeout(20))
    assert.ok(Date.now() < end, "it takes more than 30 s");
}

test("what is missing is told with its cure, and found when it is there", async (t) => {
  const { from, told, encoders, loaded } = open(t, { installed: false });
  assert.equal(encoders("tiny"), undefined);
  assert.deepEqual(told.splice(0), [
    `@huggingface/transformers is not installed: npm install @huggingface/transformers in ${from}; until then posts are embedded by their words alone`,
  ]);
  installStandIn(from);
  assert.equal(encoders("none"), undefined);
  const path = (name: string) => join(folder, name);
  assert.deepEqual(told.splice(0), [
    `${path("none")} has no config.json, no tokenizer.json, no tokenizer_config.json, no onnx/model.onnx: put the files of the model there as Hugging Face has them; until then posts are embedded by their words alone`,
  ]);
  writeTinyEncoder(folder, "half");
  rmSync(path("half/tokenizer_config.json"));
  assert.equal(encoders("half"), undefined);
  assert.match(told.splice(0)[0], /half has no tokenizer_config\.json: put/);
  writeTinyEncoder(folder, "half");
  assert.equal((await (await loaded("half"))("four")).length, 3);
  // another name is another model
  assert.equal((await (await loaded("tiny"))("four")).length, 3);
  assert.deepEqual(told, []);
});

test("a model that does not load fails no text, and is tried again after a while", async (t) => {
  const { encoders, told, loaded } = open(t, { pause: 300 });
  writeTinyEncoder(folder, "late");
  writeFileSync(join(folder, "late/onnx/model.onnx"), "broken");
  await until(() => {
    assert.equal(encoders("late"), undefined);
    return told.length > 0;
  });
  for (let i = 0; i < 5; i++) assert.equal(encoders("late"), undefined);
  assert.equal(told.length, 1);
  assert.match(told[0], /late does not load \(Protobuf parsing failed\.\): download it again/);
  writeTinyEncoder(folder, "late");
  assert.equal((await (await loaded("late"))("four")).length, 3);
});

test("a text that ends or holds up its process, or is refused, keeps no other from its vector", async (t) => {
  const { loaded, told } = open(t);
  const encoder = await loaded();
  const worker = openPool(database.url, () => undefined);
  t.after(() => worker.end());
  await pool.query("delete from recsys_engine.raw_vectors");
  await pool.query("update recsys.settings set text_encoder = 'tiny'");
  await pool.query("delete from recsys_engine.encoding_jobs");
  const titles = ["crash", "hang", "refuse", "odd", "one", "two"];
  for (const [i, title] of titles.entries()) {
    await pool.query("insert into public.posts (id, author_id, title) values ($1, $2, $3)", [
      uuid("e", i + 1),
      people.author,
      title,
    ]);
    await pool.query("insert into recsys_engine.encoding_jobs values ($1)", [uuid("e", i + 1)]);
  }
  // what a text takes that holds up its process is waited for each time
  for (let i = 0; i < 30; i++) {
    await encodeBatch({ pool: worker, encoders: () => encoder }, 1_000);
    await pool.query("update recsys_engine.encoding_jobs set due_at = now() where due_at > now()");
  }
  const { rows } = await pool.query(
    "select posts.title, jobs.failures, jobs.last_error from recsys_engine.encoding_jobs as jobs join public.posts on posts.id = jobs.post_id order by jobs.post_id",
  );
  assert.deepEqual(rows, [
    { title: "crash", failures: 5, last_error: "tiny: its process ended with SIGKILL" },
    { title: "hang", failures: 5, last_error: "tiny takes longer than 1 s" },
    { title: "refuse", failures: 5, last_error: "tiny: no such text" },
    { title: "odd", failures: 5, last_error: "tiny gives 3 numbers, not all of them finite" },
  ]);
  const made = await pool.query("select post_id from recsys_engine.raw_vectors order by 1");
  assert.deepEqual(
    made.rows.map(({ post_id }) => post_id),
    [uuid("e", 5), uuid("e", 6)],
  );
  assert.deepEqual(told, []);
});

test("stopped while it loads, it ends in silence; a folder that is none is refused", async () => {
  const told: string[] = [];
  const from = mkdtempSync(join(folder, "app-"));
  installStandIn(from);
  const { encoders, stop } = localEncoders(folder, ({ message }) => void told.push(message), { from });
  assert.equal(encoders("tiny"), undefined);
  await stop();
  await stop();
  assert.deepEqual(told, []);
  checkEncoders(folder);
  for (const none of [join(folder, "nowhere"), join(folder, "tiny", "config.json")])
    assert.throws(() => checkEncoders(none), {
      name: "UserError",
      message: `there is no folder ${none}: --encoders names one that has a folder for each model`,
    });
});
