/**
 * Three machines of functions, three workers and three trainers share their queues by leases. One of each is killed in the middle of its work: nothing
 * is done twice, and nothing is lost. A process is known to be in the middle of its work when it is stopped and its lease stays.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { after, type TestContext, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type pg from "pg";
import { testDatabase, withoutPostgres } from "../../db/testing.ts";
import { type Gateway, startGateway } from "../../serve/gateway.ts";
import { people, uuid } from "../../testing/community.ts";
import { embeddedCommunity, publishWordModel } from "../../testing/embed.ts";
import { fillSmallCommunity, temporaryFolder } from "../../trainer/testing.ts";
import { fileRequest, requestRow } from "../../trainer/training/queue/testing.ts";

const skip = await withoutPostgres();
const database = await testDatabase({ after }, "three_embed");
const toTrain = await testDatabase({ after }, "three_train");
const cli = fileURLToPath(new URL("../cli.ts", import.meta.url));
/** What is claimed at once. */
const batch = 100;

interface Machine {
  /** As its connections are called. */
  name: string;
  processId: number;
  /** What it says that it has done. */
  said(): string;
  /** Resolves when it is gone. */
  ended: Promise<unknown>;
  stop(): Promise<unknown>;
}

const called = (url: string, name: string) => `${url}${url.includes("?") ? "&" : "?"}application_name=${name}`;

function startWorker(t: TestContext, url: string, name: string, cwd: string, ...options: string[]): Machine {
  const child: ChildProcess = spawn(process.execPath, [cli, "worker", ...options, "--database", called(url, name)], {
    cwd,
    stdio: ["ignore", "pipe", "pipe"],
  });
  t.after(() => void child.kill("SIGKILL"));
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (text) => output.push(String(text)));
  const ended = once(child, "exit");
  const stop = () => {
    child.kill("SIGINT");
    return ended;
  };
  return { name, processId: child.pid as number, said: () => output.join(""), ended, stop };
}

/** A machine with the function `embed`, which is called as often as it answers, as by pg_cron and pg_net. */
async function startFunction(t: TestContext, url: string, name: string): Promise<Machine> {
  const folder = await temporaryFolder(t);
  const gateway: Gateway = await startGateway({
    databaseUrl: called(url, name),
    port: 0,
    folder,
    only: "embed",
    onLog: () => {},
  });
  let isOver = false;
  t.after(() => {
    isOver = true;
    return gateway.stop();
  });
  let completed = 0;
  const calls = (async () => {
    while (!isOver) {
      const asked = { method: "POST", headers: { apikey: gateway.secretKey } };
      const answer = await fetch(`${gateway.url}/functions/v1/embed`, asked).catch(() => null);
      completed += (await answer?.json().catch(() => null))?.completed ?? 0;
      await setTimeout(50);
    }
  })();
  const stop = async () => {
    isOver = true;
    await calls;
    await gateway.stop();
  };
  return { name, processId: gateway.processId, said: () => `embedded ${completed}`, ended: gateway.ended, stop };
}

/**
 * Notes each claim and each written vector until the test is over. A batch then takes 0.3 s, so a worker nearly
 * always holds one.
 */
async function noteWrites(t: TestContext, pool: pg.Pool): Promise<void> {
  await pool.query(`
    create table public.noted (what text, id uuid, claim bigint, holder text, at timestamptz default clock_timestamp());
    create function public.note_vector() returns trigger language plpgsql as $$ begin insert into public.noted values ('vector', new.post_id); return new; end $$;
    create function public.linger() returns trigger language plpgsql as $$ begin perform pg_sleep(0.3); return null; end $$;
    create function public.note_claim() returns trigger language plpgsql as $$
    begin
      if new.claim is distinct from old.claim and new.claim is not null then insert into public.noted values ('claim', new.entity_id, new.claim, current_setting('application_name')); end if;
      return new;
    end $$;
    create trigger linger after insert on recsys.post_embeddings for each statement execute function public.linger();
    create trigger note after insert or update on recsys.post_embeddings for each row execute function public.note_vector();
    create trigger note after update on recsys_engine.embedding_jobs for each row when (new.kind = 'post') execute function public.note_claim();
    grant insert on public.noted to service_role`);
  t.after(() =>
    pool.query(
      "drop table public.noted cascade; drop function public.note_vector, public.note_claim, public.linger cascade",
    ),
  );
}

/** Kills one that is in the middle of its work: while it stands still, `isHeld` stays. */
async function killInWork({ processId, ended }: Machine, isHeld: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 60_000; ; await setTimeout(20)) {
    assert.ok(Date.now() < end, "it is never in the middle of its work");
    if (!(await isHeld())) continue;
    process.kill(processId, "SIGSTOP");
    // the database answers what it was asked
    await setTimeout(500);
    if (await isHeld()) break;
    process.kill(processId, "SIGCONT");
  }
  process.kill(processId, "SIGKILL");
  await ended;
}

test("three functions' machines and three workers embed what comes; one of each is killed: each post gets one vector, once", {
  skip,
  timeout: 180_000,
}, async (t) => {
  const { pool, url } = database;
  await embeddedCommunity(database);
  await noteWrites(t, pool);
  const cwd = await temporaryFolder(t);
  const functions = await Promise.all([1, 2, 3].map((n) => startFunction(t, url, `function${n}`)));
  const workers = [1, 2, 3].map((n) => startWorker(t, url, `worker${n}`, cwd));
  const all = [...functions, ...workers];
  let posts = 0;
  let isOver = false;
  // there is always work, and no worker has all of it
  const writing = (async () => {
    for (; !isOver; await setTimeout(100)) {
      const ids = Array.from({ length: batch }, () => uuid("d", posts++));
      await pool.query(
        "insert into public.posts (id, author_id, title) select id, $1, 'Post number ' || right(id::text, 12) from unnest($2::uuid[]) as id",
        [people.author, ids],
      );
    }
  })();
  t.after(() => {
    isOver = true;
    return writing;
  });
  const count = async (sql: string) => (await pool.query(`select count(*)::int as n from ${sql}`)).rows[0].n as number;
  const lost: number[] = [];
  for (const victim of [functions[0], workers[0]]) {
    const held = async () => {
      const { rows } = await pool.query(
        "select distinct jobs.claim from recsys_engine.embedding_jobs as jobs join public.noted on noted.claim = jobs.claim where noted.holder = $1",
        [victim.name],
      );
      return rows.map(({ claim }) => claim);
    };
    await killInWork(victim, async () => (await held()).length > 0);
    lost.push(...(await held()));
  }
  assert.equal(lost.length, 2, "each of the two had one batch in its hands");
  isOver = true;
  await writing;
  // half a minute later their leases are over
  await pool.query("update recsys_engine.embedding_jobs set claimed_until = now() where claim = any ($1)", [lost]);
  for (const end = Date.now() + 60_000; await count("recsys_engine.embedding_jobs"); await setTimeout(50))
    assert.ok(Date.now() < end, "the queue does not get empty");
  const living = all.filter((each) => each !== functions[0] && each !== workers[0]);
  for (const { stop } of living) await stop();

  const ids = "(select id from public.posts where title ~ '^Post number')";
  assert.equal(await count(`recsys.post_embeddings where post_id in ${ids}`), posts);
  const { rows: twice } = await pool.query(
    `select what, id, count(*)::int as times, array_agg(claim) && $1 as was_lost, max(at) - min(at) >= '30 seconds' as was_over from public.noted where id in ${ids} group by what, id having count(*) > 1`,
    [lost],
  );
  assert.deepEqual(
    // what a machine that is too slow loses is begun again when its lease is over
    twice.filter(({ what, was_lost, was_over }) => what === "vector" || !(was_lost || was_over)),
    [],
    "begun twice only what was in the hands of who was killed, and written once",
  );
  assert.ok(twice.filter(({ was_lost }) => was_lost).length > 0);
  assert.equal(await count("recsys.embedding_dead_letters"), 0);
  for (const { said } of living) assert.match(said(), /embedded [1-9]/, "each had a part in it");
  // every vector is what a publish of the same model gives
  const check = await publishWordModel(database, "check", { activate: false });
  assert.equal(
    await count(`recsys.post_embeddings as given join recsys.post_embeddings as should using (post_id)
      where given.model_id <> should.model_id and should.model_id = ${check} and given.embedding operator(extensions.<#>) should.embedding > -0.9999`),
    0,
  );
});

test("of three trainers one trains; killed in the middle, one of the others does, and one model comes of it", {
  skip,
  timeout: 240_000,
}, async (t) => {
  const database = toTrain;
  const { pool, url } = database;
  await fillSmallCommunity(database);
  const request = await fileRequest(pool);
  // each on a machine of its own
  const trainers: Machine[] = [];
  for (const n of [1, 2, 3]) trainers.push(startWorker(t, url, `trainer${n}`, await temporaryFolder(t), "--train"));
  const trains = ({ said }: Machine) => /two-tower training {2,}[\d.]+ s/.test(said());
  const until = async (isTrue: () => Promise<boolean> | boolean, what: string) => {
    for (const end = Date.now() + 100_000; !(await isTrue()); await setTimeout(20)) assert.ok(Date.now() < end, what);
  };
  await until(() => trainers.some(trains), "nobody trains");
  const [victim] = trainers.filter(trains);
  await killInWork(victim, async () => (await requestRow(pool, request)).status === "running");
  assert.deepEqual(trainers.filter(trains), [victim], "the others wait");
  const left = trainers.filter((each) => each !== victim);
  // five minutes later its lease is over
  await pool.query("update recsys_engine.training_requests set claimed_until = now() where status = 'running'");
  await until(async () => (await requestRow(pool, request)).status === "done", "the request is not done");
  assert.equal(left.filter(trains).length, 1, "one of the two took it over");
  const { attempts, model_id } = await requestRow(pool, request);
  assert.equal(attempts, 2);
  const { rows } = await pool.query("select model_id::int, status from recsys.models");
  assert.deepEqual(rows, [{ model_id, status: "active" }]);
  for (const { stop, said } of left) assert.deepEqual(await stop(), [0, null], said());
});
