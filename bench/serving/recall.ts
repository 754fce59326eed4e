/**
 * How many of the posts nearest to a reader recsys_engine.retrieve finds by the index, compared with exact search, where row level security lets
 * the caller read all posts or fewer and fewer. Which ones has nothing to do with their vectors.
 */
import type pg from "pg";
import { dimensions } from "../../supabase/functions/_shared/features/history.ts";
import { sources } from "../../supabase/functions/_shared/features/retrieval.ts";
import { Times } from "../shared/times.ts";
import type { ServedCommunity } from "./community.ts";
import type { Figure, Finding } from "./figure.ts";

const { size } = sources.similar;
/** The last leaves fewer posts than are asked for, of 100,000. */
const shares = [1, 0.5, 0.1, 0.01, 0.0005];
const policy = `alter policy "public posts and one's own are readable" on public.posts`;

/**
 * A reader's vector is a mean of these. One interest: 30 posts that lie together, as trained towers place users (travel-se:
 * 0.998 of the 100 nearest are found). Three: posts without anything in common, the hardest search of a graph.
 */
const interests = {
  "one interest": `
    select embedding from recsys.post_embeddings where model_id = $1
    order by embedding operator(extensions.<#>) (select embedding from recsys.post_embeddings where model_id = $1 order by post_id offset $2 limit 1)
    limit 30`,
  "three interests":
    "select embedding from recsys.post_embeddings where model_id = $1 order by post_id offset $2 limit 3",
};
type Interests = keyof typeof interests;

/** A person whose feed is asked for, with a vector as text. */
interface RecallReader {
  user: string;
  interests: Interests;
  vector: string;
}

export async function measureRecall(community: ServedCommunity, requests: number): Promise<Finding> {
  const { database, modelId } = community;
  const finding: Finding = { figures: [], details: {} };
  const client = await database.pool.connect();
  const readers = await readersOf(client, community, requests);
  for (const share of shares) {
    const name = `${100 * share} % of posts readable`;
    await client.query("begin");
    try {
      // in 10,000 parts; it ends with the transaction
      await client.query(`${policy} using (abs(hashtext(id::text) % 10000) < ${Math.round(10_000 * share)})`);
      await client.query("set local role authenticated");
      const searches: Searched[] = [];
      for (const reader of readers) searches.push(await search(client, modelId, reader));
      finding.figures.push(...figuresOf(name, searches));
    } finally {
      await client.query("rollback");
    }
  }
  client.release();
  return finding;
}

function figuresOf(name: string, searches: Searched[]): Figure[] {
  const recalls = Object.keys(interests).map((kind): Figure => {
    const shares = searches.filter(({ reader, exact }) => reader.interests === kind && exact > 0);
    return {
      what: `recall@${size}, ${kind}, ${name}`,
      // where no reader may read anything, nothing is lost
      value: shares.length === 0 ? 1 : shares.reduce((sum, { right, exact }) => sum + right / exact, 0) / shares.length,
      unit: "",
      floor: { what: "exact", value: 1 },
      bar: { of: "value", must: "be at least", limit: 0.98 },
    };
  });
  return [
    ...recalls,
    {
      what: `posts missing at most, ${name}`,
      value: Math.max(...searches.map(({ found, exact }) => exact - found)),
      unit: "",
      floor: { what: `exact, of ${Math.max(...searches.map(({ exact }) => exact))}`, value: 0 },
      bar: { of: "value", must: "be at most", limit: 0 },
    },
    {
      what: `recsys_engine.retrieve, ${name}: median`,
      value: new Times(searches.map(({ milliseconds }) => milliseconds)).median,
      unit: "ms",
      floor: {
        what: "exact search of the similar alone",
        value: new Times(searches.map(({ exactMilliseconds }) => exactMilliseconds)).median,
      },
    },
  ];
}

interface Searched {
  reader: RecallReader;
  /** How many posts came as similar, how many there are, and how many of them are among those that came. */
  found: number;
  exact: number;
  right: number;
  milliseconds: number;
  exactMilliseconds: number;
}

/** Asks for the similar posts as the reader: as a feed does, then exactly. */
async function search(client: pg.ClientBase, modelId: number, reader: RecallReader): Promise<Searched> {
  const { user, vector } = reader;
  const claims = JSON.stringify({ sub: user, role: "authenticated" });
  await client.query("select set_config('request.jwt.claims', $1, true)", [claims]);
  const begun = performance.now();
  const { rows: found } = await client.query<{ post_id: string }>(
    "select post_id from recsys_engine.retrieve($1::uuid, $2::bigint, $3::text::extensions.vector, now()) where ranks ? 'similar'",
    [user, modelId, vector],
  );
  const between = performance.now();
  const { rows: exact } = await client.query<{ distance: number }>(exactSearch, [user, modelId, vector, size]);
  const ended = performance.now();
  // as near as the last right one is as right
  const { rows } = await client.query<{ right: number }>(
    `select count(*)::integer as right from recsys.post_embeddings
     where model_id = $1 and post_id = any ($2::uuid[]) and (embedding operator(extensions.<#>) $3::text::extensions.vector) <= $4::double precision + 1e-6`,
    [modelId, found.map((row) => row.post_id), vector, exact.at(-1)?.distance],
  );
  return {
    reader,
    found: found.length,
    exact: exact.length,
    right: rows[0].right,
    milliseconds: between - begun,
    exactMilliseconds: ended - between,
  };
}

/** No index is in the order of this. */
const exactSearch = `
  select (post_embeddings.embedding operator(extensions.<#>) $3::text::extensions.vector) + 0 as distance
  from (select recsys_engine.feed_request($1::uuid, now()) as request offset 0) as asked
  cross join lateral recsys_engine.eligible_posts(asked.request) as eligible
  join recsys.post_embeddings on post_embeddings.model_id = $2 and post_embeddings.post_id = eligible.post_id
  order by distance limit $4`;

async function readersOf(
  client: pg.ClientBase,
  { users, modelId, vectors }: ServedCommunity,
  count: number,
): Promise<RecallReader[]> {
  const posts = vectors.length / dimensions;
  const kinds = Object.keys(interests) as Interests[];
  const readers: RecallReader[] = [];
  for (let i = 0; i < count; i++) {
    const kind = kinds[i % kinds.length];
    const { rows } = await client.query<{ vector: string }>(
      `select extensions.l2_normalize(extensions.avg(embedding))::text as vector from (${interests[kind]}) as of_reader`,
      [modelId, (971 * i) % posts],
    );
    readers.push({ user: users[(97 * i) % users.length], interests: kind, vector: rows[0].vector });
  }
  return readers;
}
