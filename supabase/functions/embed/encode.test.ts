/** Vectors that an encoder makes, for an app that keeps none itself. */
import assert from "node:assert/strict";
import { after, before, type TestContext, test } from "node:test";
import { testDatabase } from "../../../db/testing.ts";
import { people, post, uuid } from "../../../testing/community.ts";
import { embedAll, embeddedCommunity } from "../../../testing/embed.ts";
import { sentenceEncoder } from "../../../testing/encoder.ts";
import { openPool } from "../_shared/database/pool.ts";
import type { Embedded } from "../_shared/embed/embed-batch.ts";
import { encodeBatch } from "../_shared/embed/encode-posts.ts";
import { type Encoder, platformEncoders, textToEncode } from "../_shared/embed/encoders.ts";
import { secretKey, testFunction } from "../testing.ts";
import { embedFunction } from "./handler.ts";

const database = await testDatabase({ after }, "encode");
const { pool } = database;
const encode = await sentenceEncoder();
before(async () => {
  await embeddedCommunity(database);
});

const waiting = async () => {
  const { rows } = await pool.query("select post_id, failures, last_error from recsys_engine.encoding_jobs order by 1");
  return rows;
};
const made = async () => {
  const { rows } = await pool.query(
    "select post_id, encoder, vector, made_of from recsys_engine.raw_vectors order by 1",
  );
  return rows;
};
function openWorker(t: TestContext, encoder: Encoder = encode) {
  const worker = openPool(database.url, () => undefined);
  t.after(() => worker.end());
  return (patience?: number) => encodeBatch({ pool: worker, encoders: () => encoder }, patience);
}

test("an encoder that is set reads all there is, a few texts a call, and then what is new or edited", async (t) => {
  const app = testFunction<void, Embedded>(t, database.url, embedFunction, {
    encoders: (name) => (name === "gte-small" ? encode : undefined),
  });
  const call = () => app.request("/embed", { method: "POST", headers: { apikey: secretKey } });
  await call();
  assert.deepEqual(await waiting(), [], "none is set");
  await pool.query("update recsys.settings set text_encoder = 'gte-small'");
  const { rows: posts } = await pool.query("select id, title, description, tags from public.posts");
  assert.equal((await waiting()).length, posts.length);
  await call();
  assert.equal((await made()).length, 4);
  for (let i = 0; i < posts.length; i++) await call();
  assert.deepEqual(await waiting(), []);
  const vectors = await made();
  assert.equal(vectors.length, posts.length);
  const [first] = vectors;
  const expected = await encode(textToEncode(posts.find(({ id }) => id === first.post_id)));
  assert.deepEqual([first.encoder, first.vector.length], ["gte-small", 512]);
  for (const [d, value] of first.vector.entries()) assert.ok(Math.abs(value - expected[d]) < 1e-6);

  await pool.query("update public.posts set title = 'Quite another title' where id = $1", [post(3)]);
  await pool.query("insert into public.posts (id, author_id, title) values ($1, $2, 'A tower of blocks')", [
    uuid("d", 1),
    people.author,
  ]);
  for (let i = 0; i < 3; i++) await call();
  const later = await made();
  assert.equal(later.length, posts.length + 1);
  const changed = later.filter(
    ({ post_id, made_of }) => vectors.find((each) => each.post_id === post_id)?.made_of !== made_of,
  );
  assert.deepEqual(changed.map(({ post_id }) => post_id).sort(), [post(3), uuid("d", 1)].sort());
  const { rows } = await pool.query("select from recsys_engine.embedding_jobs");
  assert.deepEqual([rows, await waiting(), app.logged], [[], [], []], "it comes to an end");
});

test("two workers share the texts, and one that ends in between leaves its own to others", async (t) => {
  await pool.query("delete from recsys_engine.raw_vectors");
  await pool.query("insert into recsys_engine.encoding_jobs select id from public.posts limit 8");
  const texts: string[] = [];
  let go = () => {};
  const both = new Promise<void>((resolve) => {
    go = resolve;
  });
  const slowly: Encoder = async (text) => {
    texts.push(text);
    // each holds its own while the other takes some
    if (texts.length === 2) go();
    await both;
    return await encode(text);
  };
  const [one, other] = [openWorker(t, slowly), openWorker(t, slowly)];
  assert.deepEqual(await Promise.all([one(), other()]), [4, 4]);
  assert.equal(new Set(texts).size, 8);
  assert.equal(await one(), 0);
});

test("a text at which it fails is tried five times, and the others go on", async (t) => {
  await pool.query("delete from recsys_engine.raw_vectors");
  await embedAll(database);
  await pool.query("delete from recsys_engine.encoding_jobs");
  await pool.query("insert into recsys_engine.encoding_jobs values ($1), ($2), ($3)", [post(1), post(2), post(4)]);
  const { rows } = await pool.query("select id, title from public.posts where id = any($1)", [[post(1), post(2)]]);
  const [bad, odd] = [post(1), post(2)].map((id) => rows.find((row) => row.id === id).title);
  const work = openWorker(t, async (text) => {
    if (text.startsWith(bad)) throw new Error("too much for me");
    return text.startsWith(odd) ? [1, Number.NaN] : await encode(text);
  });
  assert.equal(await work(), 1);
  for (let i = 0; i < 6; i++) assert.equal(await work(), 0);
  assert.deepEqual(await waiting(), [
    { post_id: post(1), failures: 5, last_error: "too much for me" },
    { post_id: post(2), failures: 5, last_error: "gte-small gives 2 numbers, not all of them finite" },
  ]);
  // an edit is another text
  await pool.query("update public.posts set title = 'Mended' where id = $1", [post(1)]);
  await embedAll(database);
  assert.deepEqual((await waiting())[0], { post_id: post(1), failures: 0, last_error: null });
  assert.equal(await work(), 1);
});

test("an encoder that hangs is left, and neither an edit nor an erasure waits for it", async (t) => {
  await embedAll(database);
  await pool.query("delete from recsys_engine.encoding_jobs");
  const [edited, erased] = [uuid("d", 3), uuid("d", 4)];
  await pool.query("insert into public.posts (id, author_id, title) values ($1, $3, 'Edited'), ($2, $3, 'Erased')", [
    edited,
    erased,
    people.author,
  ]);
  await embedAll(database);
  let begun = () => {};
  const isBegun = new Promise<void>((resolve) => {
    begun = resolve;
  });
  let go = () => {};
  const gate = new Promise<void>((resolve) => {
    go = resolve;
  });
  const held = openWorker(t, async (text) => {
    begun();
    await gate;
    return await encode(text);
  })();
  await isBegun;
  await pool.query("update public.posts set title = 'Edited since' where id = $1", [edited]);
  await pool.query("delete from public.posts where id = $1", [erased]);
  await embedAll(database);
  await pool.query("select recsys.erase()");
  go();
  assert.equal(await held, 0, "both texts are none of its own any more");
  assert.deepEqual(await waiting(), [{ post_id: edited, failures: 0, last_error: null }]);
  assert.equal(await openWorker(t, () => new Promise(() => {}))(50), 0);
  assert.deepEqual(await waiting(), [
    { post_id: edited, failures: 1, last_error: "gte-small takes longer than 0.05 s" },
  ]);
  assert.equal(await openWorker(t)(), 1);
  assert.ok((await made()).every(({ post_id }) => post_id !== erased));
});

test("posts that are shown no more, or have no words any more, wait for nothing and keep no vector", async (t) => {
  await pool.query("delete from recsys_engine.encoding_jobs");
  const gone = [1, 2, 3, 4].map((n) => `00000000-0000-4000-8000-00000000000${n}`);
  await pool.query("insert into recsys_engine.encoding_jobs select unnest($1::uuid[])", [gone]);
  await pool.query("insert into recsys_engine.raw_vectors select unnest($1::uuid[]), 'gte-small', '{1,2}'", [gone]);
  const [empty, full] = [uuid("d", 3), post(5)];
  assert.ok((await made()).some(({ post_id }) => post_id === empty));
  await pool.query("update public.posts set title = ' ', description = '' where id = $1", [empty]);
  await pool.query("insert into recsys_engine.encoding_jobs values ($1), ($2)", [empty, full]);
  const work = openWorker(t);
  assert.deepEqual([await work(), await work()], [0, 1], "the first four stand before the others");
  assert.deepEqual(await waiting(), []);
  assert.ok((await made()).every(({ post_id }) => ![...gone, empty].includes(post_id)));
});

test("who edits much is no sooner served than others", async (t) => {
  await embedAll(database);
  await pool.query("delete from recsys_engine.encoding_jobs");
  const [low, ...others] = [1, 7, 8, 9, 10].map(post);
  await pool.query("insert into recsys_engine.encoding_jobs select unnest($1::uuid[])", [[low, ...others]]);
  await pool.query("update public.posts set title = 'Again' where id = $1", [low]);
  await embedAll(database);
  assert.equal(await openWorker(t)(), 4);
  assert.deepEqual(
    (await waiting()).map(({ post_id }) => post_id),
    [low],
  );
});

test("numbers that real does not hold are an error of their text, and an encoder that is set again tries all once more", async (t) => {
  await embedAll(database);
  await pool.query("delete from recsys_engine.encoding_jobs");
  await pool.query("delete from recsys_engine.raw_vectors where post_id = $1", [post(6)]);
  await pool.query("insert into recsys_engine.encoding_jobs values ($1)", [post(6)]);
  const work = openWorker(t, async () => [1e39, 1e-50]);
  for (let i = 0; i < 5; i++) assert.equal(await work(), 0);
  const last_error = "gte-small gives 2 numbers, not all of them finite";
  assert.deepEqual(await waiting(), [{ post_id: post(6), failures: 5, last_error }]);
  const { rows } = await pool.query("select problem, cure from recsys.check() where problem ~ 'gte-small'");
  assert.deepEqual(
    rows.map(({ problem }) => problem),
    [`gte-small failed five times at the text of a post, such as with: ${last_error}`],
  );
  await pool.query(rows[0].cure);
  const again = (await waiting()).filter(({ post_id }) => post_id === post(6));
  assert.deepEqual(again, [{ post_id: post(6), failures: 0, last_error: null }]);
});

test("where the host has none it is said once, and posts go on being embedded", async (t) => {
  const told: string[] = [];
  const missing = platformEncoders((error) => void told.push(error.message), {});
  assert.equal(missing("gte-small"), undefined);
  missing("gte-small");
  assert.deepEqual(told.splice(0), [
    "this host has no encoder gte-small: posts are embedded by their words alone until a hosted function does it",
  ]);
  // the platform is not asked for what is none of its own
  const Session = class {
    constructor() {
      assert.fail();
    }
  } as never;
  const own = platformEncoders((error) => void told.push(error.message), { Supabase: { ai: { Session } } });
  assert.deepEqual([own("tiny"), own("tiny")], [undefined, undefined]);
  assert.deepEqual(told, [
    "this host has no encoder tiny: posts are embedded by their words alone until a worker that is given its folder (RECSYS_ENCODERS) does it",
  ]);
  // a name is that of a folder, and leads nowhere else
  for (const name of ["", ".", "..", "../tiny", "a/b", "/tiny", "a\\b", "a b", "-a", "x".repeat(101)])
    await assert.rejects(pool.query("update recsys.settings set text_encoder = $1", [name]), { code: "23514" });
  await embedAll(database);
  await pool.query("delete from recsys_engine.encoding_jobs");
  const app = testFunction<void, Embedded>(t, database.url, embedFunction, { encoders: missing });
  await pool.query("insert into public.posts (id, author_id, title) values ($1, $2, 'Without')", [
    uuid("d", 2),
    people.author,
  ]);
  const response = await app.request("/embed", { method: "POST", headers: { apikey: secretKey } });
  assert.deepEqual(await response.json(), { completed: 1, failed: 0 });
  assert.deepEqual(
    (await waiting()).map(({ post_id }) => post_id),
    [uuid("d", 2)],
  );
});

test("the platform's API is asked for one vector of unit length a text", async () => {
  const asked: unknown[][] = [];
  const Supabase = {
    ai: {
      Session: class {
        readonly model: string;
        constructor(model: string) {
          this.model = model;
        }
        async run(text: string, options: object) {
          asked.push([this.model, text, options]);
          return [0.6, 0.8];
        }
      },
    },
  };
  const encoder = platformEncoders(assert.fail, { Supabase })("gte-small");
  assert.deepEqual(await encoder?.("A text"), [0.6, 0.8]);
  assert.deepEqual(asked, [["gte-small", "A text", { mean_pool: true, normalize: true }]]);
  const long = { title: "😀".repeat(2000), tags: ["a", "b"], description: " " };
  assert.ok(textToEncode(long).isWellFormed() && textToEncode(long).length === 2000);
  assert.equal(textToEncode({ ...long, title: "Rye" }), "Rye\na, b");
});
