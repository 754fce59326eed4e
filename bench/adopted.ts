/**
 * Compares the cost of an adopted app's feeds with those of the example app, for the same people, posts and actions:
 * `npm run bench -- adopted [POSTS [APP]]`, by default 25,000 posts of both apps. Needs a PostgreSQL.
 */
import { compareCandidates, compareFeeds, exampleWithRowsOf } from "../adopt/testing-against-example.ts";
import { wholeApps } from "../adopt/testing-whole-apps.ts";
import { adopt, appWithRows, cure, publish, train } from "../cli/testing-whole-app.ts";
import type { Database } from "../db/connect.ts";
import { startGateway } from "../serve/gateway.ts";
import { load } from "./shared/times.ts";
import { openScope } from "./shared/workspace.ts";

const posts = Number(process.argv[2] ?? 25_000);
const wanted = process.argv[3];
const pairs = 100;

for (const { name, edits } of wholeApps) {
  if (wanted && wanted !== name) continue;
  await using scope = openScope();
  const adopted = await appWithRows(scope, name, { people: 2000, posts, deeds: 8 * posts });
  await adopt(adopted, edits);
  const { left } = await cure(adopted);
  console.log(`${name}: ${left.join("\n") || "nothing is left to mend"}`);
  const model = await train(scope, adopted);
  const example = await exampleWithRowsOf(scope, adopted);
  for (const database of [adopted, example]) await publish(database, model);
  const { rows } = await adopted.pool.query<{ id: string }>(
    // suspended users ask for no feed
    "select user_id as id from recsys.source_users where user_id in (select id from auth.users) order by md5(user_id::text) limit 50",
  );
  const readers = rows.map(({ id }) => id);
  const serve = async ({ url }: Database) => {
    const gateway = await startGateway({ databaseUrl: url, port: 0 });
    scope.after(() => gateway.stop());
    return gateway;
  };
  const feed = await compareFeeds({ adopted: await serve(adopted), example: await serve(example) }, readers, pairs);
  const candidates = await compareCandidates({ adopted, example }, readers, pairs);
  for (const [what, { adopted, example, ratio }] of Object.entries({ feed, candidates }))
    console.log(
      `${name}, ${what}: ${adopted.toFixed(1)} ms, the example app ${example.toFixed(1)} ms, ${ratio.toFixed(2)} times in pairs (${load()})`,
    );
}
