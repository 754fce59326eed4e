/** A run shared, interrupted and taken over: everyone gets one list, once. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { after, before, beforeEach, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { runLine } from "../../cli/commands/batch.ts";
import { testDatabase, withoutPostgres } from "../../db/testing.ts";
import { publishRandomModel, setClock, standingCommunity } from "../../testing/batch.ts";
import { isFull } from "../../testing/courses.ts";
import { beginRun, claimPage, completePage, finishRun, usersDone } from "./pages.ts";
import { rankPage } from "./rank-page.ts";
import { type BatchResult, runBatch } from "./run-batch.ts";
import { readSnapshot } from "./snapshot.ts";

const noPostgres = await withoutPostgres();

const database = await testDatabase({ after }, "run_batch");
const { pool, url } = database;
const quiet = { database, onProgress: () => {}, signal: new AbortController().signal };
const cli = fileURLToPath(new URL("../../cli/cli.ts", import.meta.url));
let now: string;
let model: number;

before(async () => {
  await standingCommunity(database, { users: isFull ? 130 : 24, posts: isFull ? 300 : 200, days: 40 });
  now = (await pool.query("select recsys.clock()::text as now")).rows[0].now;
  model = await publishRandomModel(database, "first");
});

beforeEach(async () => {
  await pool.query("truncate recsys_engine.batch_runs, recsys.batch_recommendations cascade");
  await setClock(database, now);
});

/** Small pages, so that there are many. */
const begun = async () => {
  await pool.query("select recsys_engine.begin_batch_run(4)");
  return await beginRun(database);
};

async function activeUsers(): Promise<string[]> {
  const { rows } = await pool.query(
    `select user_id from (
       select user_id, created_at from recsys.source_interactions union all select user_id, created_at from recsys.source_logins
     ) as events
     where created_at > recsys.clock() - interval '30 days' group by user_id order by user_id`,
  );
  return rows.map(({ user_id }) => user_id);
}

async function listed(): Promise<{ user_id: string; run_id: number }[]> {
  return (await pool.query("select user_id, run_id::int from recsys.batch_recommendations order by user_id")).rows;
}

async function assertAllListed(run: number): Promise<void> {
  const expected = (await activeUsers()).map((user_id) => ({ user_id, run_id: run }));
  assert.ok(expected.length > (isFull ? 100 : 16));
  assert.deepEqual(await listed(), expected);
  const { rows } = await pool.query(
    "select status, users, users_done, users_failed from recsys_engine.batch_runs where run_id = $1",
    [run],
  );
  const users = expected.length;
  assert.deepEqual(rows, [{ status: "finished", users, users_done: users, users_failed: 0 }]);
  assert.equal((await pool.query("select from recsys_engine.batch_pages")).rowCount, 0, "the pages are gone");
}

test("two workers share a run: each user gets one list, from one of them", async () => {
  const { id } = await begun();
  const results = await Promise.all([runBatch(quiet), runBatch(quiet)]);
  const [one, other] = results.map(({ done }) => done);
  assert.ok(one > 0 && other > 0, `${one} and ${other}`);
  assert.equal(one + other, (await activeUsers()).length);
  assert.deepEqual(new Set(results.map(({ run }) => run.id)), new Set([id]));
  await assertAllListed(id);
});

test("stopped by Ctrl-C, a run goes on where it was at the next start", async () => {
  const { id, users } = await begun();
  const stop = new AbortController();
  let done = 0;
  const onProgress = ({ step, done: now }: { step: string; done: number }) => {
    if (step !== "recommendations") return;
    done = now;
    if (now >= 8) stop.abort(new Error("stopped"));
  };
  await assert.rejects(runBatch({ database, onProgress, signal: stop.signal }), /stopped/);
  assert.ok(done >= 8 && done < users);
  assert.equal((await listed()).length, done);
  const { rows } = await pool.query(
    "select from recsys_engine.batch_pages where done_at is null and claimed_until is not null",
  );
  assert.equal(rows.length, 0, "what it had in hand it gave back");
  const rest = await runBatch(quiet);
  assert.deepEqual([rest.run.id, rest.done], [id, users - done]);
  await assertAllListed(id);
});

test("a lost worker's page is taken by another, and nothing is lost or doubled", {
  skip: isFull && noPostgres,
}, async (t) => {
  const run = await begun();
  const { id } = run;
  // counts how often each list is written
  await pool.query(`create table public.written (user_id uuid);
    create function public.note() returns trigger language plpgsql as $$ begin insert into public.written values (new.user_id); return new; end $$;
    create trigger note before insert or update on recsys.batch_recommendations for each row execute function public.note()`);
  t.after(() =>
    pool.query(
      "drop trigger note on recsys.batch_recommendations; drop function public.note; drop table public.written",
    ),
  );
  for (let lost = 0; lost < (isFull ? 3 : 1); lost++) {
    if (isFull) await killedInMidRun(run);
    else {
      // as a killed worker leaves it: one page done, and one in hand
      const snapshot = await readSnapshot(database, run, () => {});
      const page = (await claimPage(database, run)) ?? assert.fail();
      const { lists } = await rankPage(database, snapshot, page.userIds);
      assert.ok(await completePage(database, run, page, lists, { count: 0, error: null }));
      assert.ok(await claimPage(database, run));
    }
    // its lease is over a minute later
    await pool.query(
      "update recsys_engine.batch_pages set claimed_until = now() - interval '1 second' where done_at is null and claim is not null",
    );
  }
  const { rows } = await pool.query("select status from recsys_engine.batch_runs where run_id = $1", [id]);
  assert.equal(rows[0].status, "running", "it was killed in mid-run");
  await runBatch(quiet);
  await assertAllListed(id);
  const { rows: written } = await pool.query("select count(*)::int as times from public.written group by user_id");
  // a list may be inserted by an upsert that fires the trigger once; twice would be 2
  assert.deepEqual(new Set(written.map(({ times }) => times)), new Set([1]));
});

test("a worker that comes back after its lease writes nothing", async () => {
  const run = await begun();
  const snapshot = await readSnapshot(database, run, () => {});
  const late = await claimPage(database, run);
  assert.ok(late);
  await pool.query(
    "update recsys_engine.batch_pages set claimed_until = now() - interval '1 second' where claim = $1",
    [late.claim],
  );
  const again = await claimPage(database, run);
  assert.deepEqual(again?.userIds, late.userIds, "another worker has it");
  const { lists } = await rankPage(database, snapshot, late.userIds);
  const none = { count: 0, error: null };
  assert.equal(await completePage(database, run, late, lists, none), false);
  assert.equal((await listed()).length, 0);
  assert.ok(again && (await completePage(database, run, again, lists, none)));
  assert.equal(await completePage(database, run, again, lists, none), false, "nor twice");
  assert.equal((await listed()).length, 4);
});

test("a page, and a run, of a clock that was a day ahead are taken over", async () => {
  const begin = async () => (await pool.query("select recsys_engine.begin_batch_run(4) as id")).rows[0].id;
  const claim = async (run: number) =>
    (await pool.query("select page from recsys_engine.claim_batch_page($1, '1 minute')", [run])).rows[0]?.page;
  const run = await begin();
  assert.equal(await claim(run), 0);
  await pool.query(
    "update recsys_engine.batch_pages set claimed_until = claimed_until + interval '1 day' where page = 0",
  );
  assert.equal(await claim(run), 0);
  assert.equal(await begin(), run);
  await pool.query("update recsys_engine.batch_runs set started_at = started_at + interval '1 day' where run_id = $1", [
    run,
  ]);
  assert.notEqual(await begin(), run);
});

test("a page that five workers did not come back with is left alone", async () => {
  const run = await begun();
  const snapshot = await readSnapshot(database, run, () => {});
  await pool.query(
    "update recsys_engine.batch_pages set attempts = 5, claimed_until = now() - interval '1 second' where page = 0",
  );
  for (let page = await claimPage(database, run); page; page = await claimPage(database, run))
    await completePage(database, run, page, (await rankPage(database, snapshot, page.userIds)).lists, {
      count: 0,
      error: null,
    });
  assert.equal(await finishRun(database, run), "finished");
  const { rows } = await pool.query("select users_done, users_failed, last_error from recsys_engine.batch_runs");
  assert.deepEqual(rows, [
    { users_done: run.users - 4, users_failed: 4, last_error: "five workers did not come back with page 0" },
  ]);
});

test("a user on whom the ranker fails costs the others nothing", async () => {
  const run = await begun();
  const snapshot = await readSnapshot(database, run, () => {});
  const page = await claimPage(database, run);
  assert.ok(page);
  let asked = 0;
  const dlrm = {
    ...snapshot.model.graphs.dlrm,
    async run(feeds: Parameters<typeof snapshot.model.graphs.dlrm.run>[0]) {
      const output = await snapshot.model.graphs.dlrm.run(feeds);
      if (asked++ === 1) (output.probabilities.data as Float32Array).fill(Number.NaN);
      return output;
    },
  };
  const model = { ...snapshot.model, graphs: { ...snapshot.model.graphs, dlrm } };
  const { lists, failed, error } = await rankPage(database, { ...snapshot, model }, page.userIds);
  assert.deepEqual([lists.length, failed], [3, 1]);
  assert.match((error as Error).message, /dlrm of model first does not give finite numbers/);
});

test("another model or another instant is another run; lists are replaced, and go when their user is gone", async () => {
  const first = await runBatch(quiet);
  await assertAllListed(first.run.id);
  const everyone = await activeUsers();
  // a fortnight later
  await setClock(
    database,
    (await pool.query("select (recsys.clock() + interval '14 days')::text as later")).rows[0].later,
  );
  const second = await begun();
  assert.notEqual(second.id, first.run.id);
  assert.deepEqual(
    new Set((await listed()).map(({ run_id }) => run_id)),
    new Set([first.run.id]),
    "until replaced, the old ones stay",
  );
  await publishRandomModel(database, "second", 2);
  const third = await runBatch(quiet);
  assert.equal(third.run.modelName, "second");
  const { rows } = await pool.query("select status, model_name from recsys_engine.batch_runs order by run_id");
  assert.deepEqual(rows, [
    { status: "finished", model_name: "first" },
    { status: "superseded", model_name: "first" },
    { status: "finished", model_name: "second" },
  ]);
  await assertAllListed(third.run.id);
  assert.ok((await activeUsers()).length < everyone.length, "some have not come back");
});

test("a model that begins to serve in mid-run takes the rest of the night", async (t) => {
  await pool.query("select recsys.activate_model($1)", [model]);
  t.after(() => pool.query("select recsys.activate_model($1)", [model]));
  const { id } = await begun();
  const other = (await pool.query("select model_id::int from recsys.models where model_id <> $1", [model])).rows[0]
    .model_id;
  let switched = false;
  const onProgress = ({ step, done }: { step: string; done: number }) => {
    if (step === "recommendations" && done >= 8 && !switched) {
      switched = true;
      void pool
        .query("select recsys.activate_model($1)", [other])
        .then(() => pool.query("select recsys_engine.begin_batch_run()"));
    }
  };
  const { run } = await runBatch({ ...quiet, onProgress });
  assert.notEqual(run.id, id);
  assert.equal(run.modelId, other);
  await assertAllListed(run.id);
});

test("recsys batch says what it did, and what is missing without a model", async () => {
  const output = isFull ? await printedByBatch() : `${runLine(await runBatch(quiet))}\n`;
  assert.match(output, /^run \d+ of model first: (\d+) of \1 active users by this worker, \d+ users a second\n$/);
  await pool.query("update recsys.models set status = 'retired' where status = 'active'");
  await assert.rejects(runBatch(quiet), /no model is active: run `npx --no-install recsys train`/);
});

async function printedByBatch(): Promise<string> {
  const child = startBatch();
  let output = "";
  child.stdout?.on("data", (text) => {
    output += text;
  });
  await once(child, "close");
  return output;
}

/** A process of its own begins to work on the run, and is killed. */
async function killedInMidRun(run: BatchResult["run"]): Promise<void> {
  const before = await usersDone(database, run);
  const child = startBatch();
  await until(async () => (await usersDone(database, run)) > before + 8, child);
  child.kill("SIGKILL");
  await once(child, "close");
}

function startBatch(): ChildProcess {
  return spawn(process.execPath, [cli, "batch", "--database", url], { stdio: ["ignore", "pipe", "ignore"] });
}

async function until(isTrue: () => Promise<boolean>, child: ChildProcess) {
  for (const end = Date.now() + 60_000; !(await isTrue()); await setTimeout(2)) {
    assert.equal(child.exitCode, null, "it ended too early");
    assert.ok(Date.now() < end, "it takes more than 60 s");
  }
}

test("of posts with one title a list has one, and all for whom the app shows something else for it", async (t) => {
  const { rows: before } = await pool.query("select pg_get_viewdef('recsys.source_posts') as view");
  const define = (view: string) =>
    pool.query(`create or replace view recsys.source_posts with (security_invoker = true) as ${view}`);
  const [member, other] = await activeUsers();
  const mask = `case when current_user <> 'authenticated' or auth.uid() = '${member}' then title else '[members only]' end`;
  t.after(() => define(before[0].view));
  await define(before[0].view.replace('"left"(title, 1000) AS title', `${mask} as title`));
  await pool.query("create table titles as select id, title from public.posts");
  t.after(() => pool.query("update public.posts set title = titles.title from titles where titles.id = posts.id"));
  await pool.query("update public.posts set title = 'In secret ' || (hashtext(id::text) % 40)");
  await publishRandomModel(database, "of masked titles");
  await begun();
  await runBatch(quiet);
  const titlesOf = async (user: string) => {
    const { rows } = await pool.query(
      "select posts.title from recsys.batch_recommendations join public.posts on posts.id = any (post_ids) where user_id = $1",
      [user],
    );
    return { posts: rows.length, titles: new Set(rows.map(({ title }) => title)).size };
  };
  const [theirs, others] = [await titlesOf(member), await titlesOf(other)];
  assert.ok(theirs.posts > 20 && theirs.posts - theirs.titles < 0.3 * theirs.posts, JSON.stringify(theirs));
  assert.ok(others.posts - others.titles > 0.3 * others.posts, JSON.stringify(others));
});
