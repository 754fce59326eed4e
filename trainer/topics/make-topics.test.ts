/** Topics from the database and back into it: with towers that read words, so that what posts say is known to be where they are. */
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { testDatabase, withOneSession } from "../../db/testing.ts";
import { runTopicLoop } from "../../serve/background-loops.ts";
import { clear, people, publishTinyModel, uuid } from "../../testing/community.ts";
import { isFull } from "../../testing/courses.ts";
import { embedAll, publishWordModel } from "../../testing/embed.ts";
import { topicsAreStale } from "./are-stale.ts";
import { makeTopics, type TopicsMade } from "./make-topics.ts";

const oneSession = await withOneSession();
const database = await testDatabase({ after }, "make_topics");
const { pool } = database;

beforeEach(async () => {
  await clear(pool);
  const tables = ["topics", "post_topics", "topic_runs", "embedding_jobs", "embedding_changes"];
  await pool.query(`truncate ${tables.map((table) => `recsys_engine.${table}`)}`);
  await pool.query("insert into public.profiles (id) select unnest($1::uuid[])", [authors]);
});

const authors = Array.from({ length: 6 }, (_, i) => uuid("f", i));
const subjects = {
  fishing: "river trout bait casting reel",
  baking: "sourdough crust oven flour yeast",
  chess: "gambit endgame bishop knight opening",
  sailing: "harbour anchor rigging tiller mainsail",
};
type Subject = keyof typeof subjects;

interface Written {
  from?: number;
  visibility?: string;
  age?: string;
}

/** Posts `from` … of a subject, each with two of its words and one that only it has, by six authors in turn. */
async function write(
  subject: Subject,
  count: number,
  { from = 0, visibility = "public", age = "1 day" }: Written = {},
): Promise<string[]> {
  const words = subjects[subject].split(" ");
  const letter = { fishing: "1", baking: "2", chess: "3", sailing: "4" }[subject];
  const ids = Array.from({ length: count }, (_, i) => uuid(letter, from + i));
  await pool.query(
    `insert into public.posts (id, author_id, title, tags, visibility, created_at)
     select post.id, post.author, post.title, array[$4], $5, now() - $6::interval from unnest($1::uuid[], $2::uuid[], $3::text[]) as post (id, author, title)`,
    [
      ids,
      ids.map((_, i) => authors[i % 6]),
      ids.map((_, i) => `${words[i % 5]} ${words[(i + 2) % 5]} ${subject}${from + i}`),
      subject,
      visibility,
      age,
    ],
  );
  return ids;
}

const make = async () => await makeTopics({ database, onProgress: () => {}, signal: new AbortController().signal });
const made = async (): Promise<TopicsMade> => (await make()) ?? assert.fail("nothing was made");

async function topics() {
  const { rows } = await pool.query(
    "select topic_id, label, terms, is_public, size, demand, supply, people, model_id from recsys_engine.topics order by topic_id",
  );
  type Numbers = Record<"topic_id" | "size" | "demand" | "supply" | "people" | "model_id", number>;
  return rows as (Numbers & { label: string; terms: string[]; is_public: boolean })[];
}

const sizes = (rows: { size: number }[]) => rows.reduce((sum, { size }) => sum + size, 0);

async function topicOf(): Promise<Map<string, number>> {
  const { rows } = await pool.query("select post_id, topic_id from recsys_engine.post_topics");
  return new Map(rows.map(({ post_id, topic_id }) => [post_id, topic_id]));
}

/** Posts of each subject: with 80 there are 6 topics or fewer, with 40 there are 5. */
const ofEach = isFull ? 80 : 40;
const all = 4 * ofEach;

async function community(): Promise<Record<Subject, string[]>> {
  const written = {} as Record<Subject, string[]>;
  for (const subject of Object.keys(subjects) as Subject[]) written[subject] = await write(subject, ofEach);
  return written;
}

test("topics are pure, all posts have one, and labels are of their subject's words", async () => {
  const written = await community();
  const model = await publishWordModel(database, "first");
  const { posts, topics: number, kept } = await made();
  assert.deepEqual([posts, kept], [all, 0]);
  const of = await topicOf();
  assert.equal(of.size, all);
  const rows = await topics();
  assert.equal(rows.length, number);
  assert.equal(sizes(rows), all);
  for (const { topic_id, label, terms, is_public, model_id } of rows) {
    const counts = Object.entries(written).map(([subject, ids]) => ({
      subject,
      n: ids.filter((id) => of.get(id) === topic_id).length,
    }));
    counts.sort((a, b) => b.n - a.n);
    assert.ok(counts[0].n > 0.95 * counts.reduce((sum, { n }) => sum + n, 0), JSON.stringify(counts));
    const known = [counts[0].subject, ...subjects[counts[0].subject as Subject].split(" ")];
    for (const word of label.split(/,? /))
      assert.ok(known.includes(word), `${label} is no name for ${counts[0].subject}`);
    assert.ok(terms.length >= 2 && label !== "");
    assert.deepEqual([is_public, model_id], [true, model]);
  }
  assert.equal(new Set(rows.map(({ label }) => label)).size, rows.length);
});

test("ids and names stay when another model serves, whose vectors are nothing like those before, and when a model comes back", async () => {
  await community();
  await publishWordModel(database, "first", { seed: 1 });
  await made();
  const [before, of] = [await topics(), await topicOf()];
  await publishWordModel(database, "second", { seed: 2 });
  assert.equal(await topicsAreStale(database), true);
  const again = await made();
  const names = (rows: Awaited<ReturnType<typeof topics>>) => rows.map(({ topic_id, label }) => [topic_id, label]);
  assert.deepEqual(names(await topics()), names(before));
  assert.equal(again.kept, before.length);
  const now = await topicOf();
  const same = [...of].filter(([post, topic]) => now.get(post) === topic).length;
  assert.ok(same > 0.95 * of.size, `${same} of ${of.size} posts are in their topic still`);
  await pool.query("select recsys.rollback_model()");
  assert.equal(await topicsAreStale(database), true);
  await made();
  assert.deepEqual(names(await topics()), names(before));
  assert.equal(await topicsAreStale(database), false);
});

test("a topic that nobody writes about any more goes, and its id is not used again", async () => {
  const { chess } = await community();
  await publishWordModel(database, "first");
  await made();
  const before = await topics();
  const of = await topicOf();
  const gone = new Set(chess.map((post) => of.get(post)));
  await pool.query("delete from public.posts where id = any($1)", [chess]);
  await write("chess", 3, { from: 500 });
  await pool.query("delete from recsys.post_embeddings where post_id = any($1)", [chess]);
  await publishWordModel(database, "second");
  await made();
  const now = await topics();
  assert.ok(now.every(({ topic_id }) => !gone.has(topic_id)));
  await write("chess", ofEach, { from: 600 });
  await publishWordModel(database, "third");
  await made();
  const known = new Set(before.map(({ topic_id }) => topic_id));
  const fresh = (await topics()).filter(({ label }) => /chess|gambit|endgame|bishop|knight|opening/.test(label));
  assert.ok(fresh.length > 0 && fresh.every(({ topic_id }) => !known.has(topic_id)));
});

test("a new or edited post joins the nearest topic when it is embedded", async () => {
  const { baking, chess } = await community();
  await publishWordModel(database, "first");
  await made();
  const of = await topicOf();
  const [post] = await write("baking", 1, { from: 900 });
  await pool.query("update public.posts set title = 'gambit endgame bishop', tags = '{chess}' where id = $1", [
    baking[0],
  ]);
  await embedAll(database);
  const now = await topicOf();
  const topicsOf = (ids: string[]) => new Set(ids.map((id) => of.get(id)));
  assert.ok(topicsOf(baking.slice(1)).has(now.get(post)));
  assert.ok(topicsOf(chess).has(now.get(baking[0])));
  await pool.query("select recsys_engine.refresh_topics()");
  assert.equal(sizes(await topics()), all + 1);
});

test("topics depend on the text of posts, not on their readers: made twice in a row, and when a post is edited", async () => {
  const { baking, chess } = await community();
  // all that people do says the opposite of the words, three times as loud
  const ids = new Map([...baking, ...chess].map((post, i) => [post, new Float32Array(32).fill(i % 2 ? 30 : -30)]));
  await publishWordModel(database, "first", { ids });
  await made();
  const of = await topicOf();
  const topicsOf = (posts: string[]) => new Set(posts.map((post) => of.get(post)));
  assert.equal([...topicsOf(baking)].filter((topic) => topicsOf(chess).has(topic)).length, 0);
  const again = await made();
  assert.equal(again.kept, again.topics);
  const now = await topicOf();
  assert.ok([...of].filter(([post, topic]) => now.get(post) === topic).length > 0.94 * all);
  await pool.query("update public.posts set title = 'gambit endgame bishop', tags = '{chess}' where id = $1", [
    baking[0],
  ]);
  await embedAll(database);
  assert.ok(new Set(chess.map((post) => now.get(post))).has((await topicOf()).get(baking[0])));
});

test("what was embedded while topics were replaced joins one with the next count", {
  skip: oneSession,
}, async () => {
  await community();
  await publishWordModel(database, "first");
  await made();
  const holder = await pool.connect();
  try {
    await holder.query("begin");
    await holder.query("select recsys_engine.take_lock('topics')");
    const [post] = await write("chess", 1, { from: 950 });
    await embedAll(database);
    assert.equal((await topicOf()).has(post), false, "and the vector did not wait for it");
    await holder.query("rollback");
    await embedAll(database);
    await pool.query("select recsys_engine.refresh_topics()");
    assert.equal((await topicOf()).has(post), true);
  } finally {
    holder.release();
  }
});

test("no posts, fewer posts than topics have, posts that are all the same, and posts without a word", async () => {
  await publishWordModel(database, "nothing");
  assert.deepEqual(await make(), { modelName: "nothing", posts: 0, topics: 0, kept: 0 });
  await write("chess", 2);
  await publishWordModel(database, "two");
  assert.equal((await made()).topics, 1);
  assert.equal((await topics())[0].size, 2);
  await pool.query("update public.posts set title = 'same', tags = '{}'");
  await pool.query(
    "insert into public.posts (id, author_id, title) select gen_random_uuid(), $1, 'same' from generate_series(1, 60)",
    [authors[0]],
  );
  await publishWordModel(database, "same");
  assert.equal((await made()).topics, 1);
  // their own vectors say where they are; here those are no numbers at all
  await pool.query("update public.posts set title = ''");
  await publishTinyModel(pool, { name: "tiny" });
  assert.deepEqual(await make(), { modelName: "tiny", posts: 0, topics: 0, kept: 0 });
});

test("without a model it says what to do", async () => {
  await assert.rejects(make(), /no model is active.*publish one first/);
  assert.equal(await topicsAreStale(database), false);
});

test("labels and figures say nothing of posts that not every member may read; visitors are not told words that visitors may not", async () => {
  const [post] = await write("fishing", 40, { visibility: "private" });
  await write("baking", 40);
  await publishWordModel(database, "first");
  const came = "insert into public.post_views (user_id, post_id) select unnest($1::uuid[]), $2";
  await pool.query(came, [authors, post]);
  await pool.query("select recsys.roll_up(null)");
  await made();
  const rows = await topics();
  const total = (figure: "demand" | "supply" | "people") => rows.reduce((sum, row) => sum + row[figure], 0);
  assert.deepEqual([total("demand"), total("people"), Math.round(28 * total("supply"))], [0, 0, 40]);
  const said = rows.flatMap(({ label, terms }) => [label, ...terms]).join(" ");
  for (const word of ["fishing", ...subjects.fishing.split(" ")]) assert.ok(!said.includes(word), `${word} is private`);
  assert.match(said, /baking|sourdough/);
  const of = await topicOf();
  assert.equal(of.size, 80, "private posts have topics all the same");
  // where visitors may read nothing
  await pool.query("begin; revoke select on public.posts from anon; commit");
  try {
    await made();
    assert.ok((await topics()).every(({ is_public, label }) => label === "" || !is_public));
  } finally {
    await pool.query("grant select on public.posts to anon");
  }
});

test("nobody reads topics but the service", async () => {
  for (const role of ["anon", "authenticated"])
    for (const table of ["topics", "post_topics", "topic_runs"]) {
      const { rows } = await pool.query("select has_any_column_privilege($1, $2, 'select') as may", [
        role,
        `recsys_engine.${table}`,
      ]);
      assert.equal(rows[0].may, false, `${role} ${table}`);
    }
});

test("demand is people a day, each once a day and authors not, supply is posts a day", async () => {
  const { fishing } = await community();
  await write("baking", 28, { from: 300, age: "40 days" });
  await publishWordModel(database, "first");
  await pool.query("insert into public.profiles (id) values ($1), ($2)", [people.ada, people.ben]);
  // ada a hundred times on one day and once on another, ben once, the author of the post, and ada long ago
  await pool.query(
    `insert into public.post_views (user_id, post_id, created_at)
     select $1::uuid, $3::uuid, now() - interval '2 days' - n * interval '1 second' from generate_series(1, 100) as n
     union all select $1, $5, now() - interval '5 days' union all select $2, $3, now() - interval '5 days'
     union all select $4, $3, now() - interval '5 days' union all select $1, $6, now() - interval '30 days'`,
    [people.ada, people.ben, fishing[0], authors[0], fishing[1], fishing[2]],
  );
  await pool.query("select recsys.roll_up(null)");
  await made();
  const of = await topicOf();
  const rows = await topics();
  const wanted = rows.find(({ topic_id }) => topic_id === of.get(fishing[0])) ?? assert.fail();
  assert.ok(Math.abs(wanted.demand - 3 / 28) < 1e-6, `${wanted.demand}`);
  for (const each of rows) if (each !== wanted) assert.equal(each.demand, 0);
  assert.ok(Math.abs(rows.reduce((sum, { supply }) => sum + supply, 0) - all / 28) < 1e-4);
});

test("of two that make topics at the same time one does, and a reader sees earlier topics or new ones, never half", {
  skip: oneSession,
}, async () => {
  await community();
  await publishWordModel(database, "first");
  await made();
  const seen: string[] = [];
  let done = false;
  const reading = (async () => {
    while (!done) {
      const { rows } = await pool.query(
        `select (select count(*)::int from recsys_engine.post_topics) as posts, (select count(*)::int from recsys_engine.post_topics left join recsys_engine.topics using (topic_id) where topics.topic_id is null) as lost`,
      );
      seen.push(`${rows[0].posts} ${rows[0].lost}`);
    }
  })();
  await publishWordModel(database, "second", { seed: 2 });
  const results = await Promise.all([make(), make(), make()]);
  done = true;
  await reading;
  assert.ok(results.filter((result) => result !== null).length >= 1);
  assert.deepEqual([...new Set(seen)], [`${all} 0`]);
});

test("ended in the middle it leaves what was there, and the next one makes all of it", async () => {
  await community();
  await publishWordModel(database, "first");
  await made();
  const [before, of] = [await topics(), await topicOf()];
  await publishWordModel(database, "second", { seed: 2 });
  for (const step of ["reading posts", "finding topics", "naming topics", "writing topics"]) {
    const stopping = new AbortController();
    const onProgress = (progress: { step: string }) => {
      if (progress.step !== step) return;
      stopping.abort(new Error("ended"));
      // a killed process goes on with nothing
      throw new Error("ended");
    };
    await assert.rejects(makeTopics({ database, onProgress, signal: stopping.signal }), /ended/);
    assert.deepEqual([await topics(), await topicOf()], [before, of], step);
  }
  assert.equal(await topicsAreStale(database), true);
  assert.equal((await made()).kept, before.length);
});

test("where another model serves before they are written nothing is written", async () => {
  await community();
  await publishWordModel(database, "first");
  let switched = false;
  const onProgress = ({ step }: { step: string }) => {
    if (step === "naming topics" && !switched) switched = true;
  };
  await publishWordModel(database, "second", { seed: 2, activate: false });
  const making = makeTopics({ database, onProgress, signal: new AbortController().signal });
  await pool.query("select recsys.activate_model(model_id) from recsys.models where name = 'second'");
  const result = await making;
  const { rows } = await pool.query(
    "select models.name from recsys_engine.topic_runs join recsys.models using (model_id)",
  );
  assert.deepEqual(
    rows.map(({ name }) => name),
    result ? [result.modelName] : [],
  );
  if (result) assert.equal(result.modelName, "second");
});

test("a worker makes them whenever another model serves, and waits after a failure", async (t) => {
  await community();
  const runs: TopicsMade[] = [];
  const errors: unknown[] = [];
  const stop = runTopicLoop(database, {
    every: 20,
    pause: 100,
    onDone: (run) => runs.push(run),
    onError: (error) => errors.push(error),
  });
  t.after(stop);
  const until = async (is: () => boolean) => {
    for (const end = Date.now() + 30_000; !is(); await setTimeout(20)) assert.ok(Date.now() < end);
  };
  await setTimeout(200);
  assert.deepEqual([runs.length, errors.length], [0, 0], "no model, nothing to do");
  await publishWordModel(database, "first");
  await until(() => runs.length === 1);
  await setTimeout(200);
  assert.equal(runs.length, 1, "once");
  await pool.query("alter table recsys_engine.topic_runs rename to hidden");
  try {
    await until(() => errors.length > 0);
  } finally {
    await pool.query("alter table recsys_engine.hidden rename to topic_runs");
  }
  await publishWordModel(database, "second", { seed: 2 });
  await until(() => runs.length === 2);
  assert.equal(runs[1].modelName, "second");
});
