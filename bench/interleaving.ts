/**
 * What a feed that two models draft costs beside one of the first model alone, over HTTP and by turns: `npm run bench -- interleaving [POSTS]`, 100,000 posts
 * without. Needs a PostgreSQL, and nothing else on the machine.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { testServer } from "../db/testing-postgres.ts";
import { Random } from "../trainer/engine/random.ts";
import { makeUpCommunity } from "./serving/community.ts";
import { withReaders } from "./serving/readers.ts";
import { Times } from "./serving/times.ts";
import { activateModel, topicVectors } from "./shared/made-up-community.ts";

const posts = Number(process.argv[2] ?? 100_000);
const [rounds, requests] = [8, 40];

const server = await testServer();
if (!server) throw new Error("needs a PostgreSQL: npm run setup:postgres");
const community = await makeUpCommunity(server, posts);
const folder = await mkdtemp(join(tmpdir(), "bench-"));
try {
  const { pool, url } = community.database;
  await activateModel(community.database, topicVectors(new Random(3), posts), "other");
  const interleave = (name: string) =>
    pool.query("select recsys.start_experiment($1, $2)", [
      name,
      JSON.stringify([{ name: "both", share: 1, interleave_with: "made up" }]),
    ]);
  const times: Record<string, number[]> = { alone: [], interleaved: [] };
  const stages: Record<string, Record<string, number[]>> = { alone: {}, interleaved: {} };
  await withReaders(url, community.users, folder, async ({ ask }) => {
    for (let round = 0; round < rounds; round++)
      for (const way of ["alone", "interleaved"]) {
        if (way === "interleaved") await interleave(`round-${round}`);
        for (let i = 0; i < 20 + requests; i++) {
          const begun = performance.now();
          const timing = await ask(round * requests + i);
          // the first load the other model and what is common to its feeds
          if (i < 20) continue;
          times[way].push(performance.now() - begun);
          for (const [, name, taken] of timing.matchAll(/([a-z_]+);dur=([\d.]+)/g))
            stages[way][name] = [...(stages[way][name] ?? []), Number(taken)];
        }
        if (way === "interleaved") await pool.query("select recsys.stop_experiment($1)", [`round-${round}`]);
      }
  });
  for (const way of ["alone", "interleaved"]) {
    const all = new Times(times[way]);
    console.log(
      `${way}: median ${all.median.toFixed(1)} ms, 99 % ${all.quantile(0.99).toFixed(1)} ms, load ${loadavg()[0].toFixed(1)}`,
    );
    for (const [name, taken] of Object.entries(stages[way]))
      console.log(`  ${name}: ${new Times(taken).median.toFixed(2)} ms`);
  }
  const { rows } = await pool.query(
    "select count(*)::int as shown, count(distinct model_id)::int as models, count(team)::int as counted from recsys.impressions where variant is not null",
  );
  console.log(rows[0]);
} finally {
  await rm(folder, { recursive: true, force: true });
  await community.database.close();
}
