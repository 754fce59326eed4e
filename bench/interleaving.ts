/**
 * What a feed that two models draft costs beside one of the first model alone, over HTTP and by turns: `npm run bench -- interleaving [POSTS]`, 100,000 posts
 * without. Needs a PostgreSQL, and nothing else on the machine.
 */
import { Random } from "../trainer/engine/random.ts";
import { makeUpCommunity } from "./serving/community.ts";
import { withReaders } from "./serving/readers.ts";
import { activateModel, topicVectors } from "./shared/made-up-community.ts";
import { openFolder, openScope, postgresServer } from "./shared/place.ts";
import { load, Times } from "./shared/times.ts";

const posts = Number(process.argv[2] ?? 100_000);
const [rounds, requests] = [8, 40];

await using scope = openScope();
const community = await makeUpCommunity(await postgresServer(), posts);
scope.after(() => community.database.close());
const folder = await openFolder(scope);
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
  console.log(`${way}: median ${all.at(0.5)} ms, 99 % ${all.at(0.99)} ms, ${load()}`);
  for (const [name, taken] of Object.entries(stages[way])) console.log(`  ${name}: ${new Times(taken).at(0.5, 2)} ms`);
}
const { rows } = await pool.query(
  "select count(*)::int as shown, count(distinct model_id)::int as models, count(team)::int as counted from recsys.impressions where variant is not null",
);
console.log(rows[0]);
