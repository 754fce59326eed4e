/**
 * Whether the replay of recsys.retrieve in TypeScript (trainer/community/state.ts) pays: what the candidates of the
 * ranker's 6,000 requests cost read from SQL as of their instants, and what they cost replayed.
 * `npm run bench -- retrieval [FOLDER]`, where FOLDER is a community bundle; without it a synthetic community. Needs a PostgreSQL.
 */
import { importBundle } from "../db/import/import-bundle.ts";
import { communityFromDatabase } from "../trainer/community/from-database.ts";
import { CommunityState } from "../trainer/community/state.ts";
import { publishVectors, unitVectors } from "../trainer/community/testing.ts";
import { dlrmDefaults } from "../trainer/dlrm/hyperparameters.ts";
import { requestsBetween } from "../trainer/dlrm/requests.ts";
import { Random } from "../trainer/engine/random.ts";
import { vectorAt } from "../trainer/engine/vector-at.ts";
import { writeSyntheticCommunity } from "../trainer/synthetic/write-synthetic-community.ts";
import { openFolder, openPostgres, openScope } from "./shared/place.ts";
import { Times } from "./shared/times.ts";

/** SQL is asked for every 30th request. */
const every = 30;

await using scope = openScope();
const database = await openPostgres(scope, "retrieval");
const folder = process.argv[2] ?? (await openFolder(scope));
if (!process.argv[2]) await writeSyntheticCommunity(folder, { seed: 1 });
await importBundle(database, folder);
const loaded = await communityFromDatabase(database);
const { community, timeline } = loaded;
const random = new Random(1);
const vectors = unitVectors(random, community.posts.ids.length);
const requests = requestsBetween(community, timeline, -Infinity, Infinity).slice(-dlrmDefaults.maximumRequests);
const modelId = await publishVectors(database, community.posts.ids, vectors);

const started = performance.now();
const state = new CommunityState(community, timeline);
let replayed = 0;
for (const { event, user, at } of requests) {
  state.advance(event);
  replayed += state.candidates(user, at, vectorAt(vectors, user % community.posts.ids.length), vectors).length;
}
const replay = (performance.now() - started) / requests.length;

const asked = requests.filter((_, i) => i % every === 0);
const times: number[] = [];
let found = 0;
for (const { user, at } of asked) {
  const vector = JSON.stringify([...vectorAt(vectors, user % community.posts.ids.length)]);
  const begun = performance.now();
  const { rowCount } = await database.pool.query(
    "select * from recsys.retrieve($1, $2, $3::text::extensions.vector, to_timestamp($4::double precision / 1000))",
    [community.users.ids[user], modelId, vector, at],
  );
  times.push(performance.now() - begun);
  found += rowCount ?? 0;
}
const sql = new Times(times).median;
const line = (name: string, milliseconds: number, rows: number) =>
  console.log(
    `${name.padEnd(10)} ${milliseconds.toFixed(2)} ms per request, ${rows.toFixed(0)} candidates; ${requests.length} requests: ${((milliseconds * requests.length) / 1000).toFixed(0)} s`,
  );
line("replayed", replay, replayed / requests.length);
line("from SQL", sql, found / asked.length);
console.log(`ratio ${(sql / replay).toFixed(1)}`);
