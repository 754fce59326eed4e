/** What `recsys serve --replica` refuses before it serves, and the functions under Deno with a replica. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { testCluster, withoutCluster } from "../../db/testing-cluster.ts";
import { freePort } from "../../db/testing-process.ts";
import { type Replicated, replicatedDatabase, startReplica } from "../../db/testing-replica.ts";
import { startGateway } from "../../serve/gateway.ts";
import { fillCommunity, people, publishTinyModel } from "../../testing/community.ts";
import { temporaryFolder } from "../../trainer/testing.ts";
import { recsys } from "../testing.ts";
import { checkReplica } from "./replica.ts";

const skip = await withoutCluster();
const setting = (skip ? null : await replicatedDatabase({ after })) as Replicated;

test("what is no replica of the database is refused with the cure, and one that is away is said", {
  skip,
}, async (t) => {
  const { database, cluster, replica } = setting;
  const other = await startReplica(t, await testCluster(t));
  for (const [url, message] of [
    ["replica.example", /^Not a database URL; it should look like postgres:/],
    ["https://replica.example/postgres", /^A database URL begins with postgres:/],
    [cluster.url, /^--replica leads to no replica: 127\.0\.0\.1:\d+\/postgres takes writes\. Give a streaming/],
    [other.url, /^--replica is a replica of another server than --database/],
  ] as const)
    await assert.rejects(checkReplica(url, database), { name: "UserError", message });
  await assert.rejects(checkReplica(replica.url, { ...database, embedded: true }), /embedded database has no replicas/);
  assert.equal(await checkReplica(replica.url, database), null);
  const away = await checkReplica(`postgres://postgres@127.0.0.1:${await freePort()}/postgres`, database);
  assert.match(String(away), /^feeds come from --database alone until the replica is back: Nothing listens at/);
  const { status, stderr } = await recsys(["serve", "--database", cluster.url, "--replica", cluster.url]);
  assert.equal(status, 1);
  assert.match(stderr, /^recsys: --replica leads to no replica/);
});

test("the functions read from it", { skip }, async (t) => {
  const { database, replica, url, readUrl } = setting;
  await fillCommunity(database.pool);
  await publishTinyModel(database.pool, { name: "tiny" });
  await replica.caughtUp();
  const lines: string[] = [];
  const gateway = await startGateway({
    databaseUrl: url,
    readUrl,
    port: 0,
    folder: await temporaryFolder(t),
    only: "recommend",
    onLog: (line) => lines.push(line),
  });
  t.after(() => gateway.stop());
  const authorization = `Bearer ${await gateway.tokenOf(people.ben)}`;
  const ask = () => fetch(`${gateway.url}/functions/v1/recommend?limit=5`, { headers: { authorization } });
  const response = await ask();
  assert.equal(((await response.json()) as { items: unknown[] }).items.length, 5);
  assert.match(String(response.headers.get("server-timing")), /last_check/);
  await replica.stop();
  for (let i = 0; i < 3; i++) {
    const response = await ask();
    assert.equal(((await response.json()) as { items: unknown[] }).items.length, 5);
    assert.doesNotMatch(String(response.headers.get("server-timing")), /last_check/);
  }
  const said = lines.map((line) => JSON.parse(line)).filter(({ function: name }) => name === "recommend");
  assert.deepEqual(
    said.map(({ code }) => code),
    ["replica_disabled"],
  );
});
