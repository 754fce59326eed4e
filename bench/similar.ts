/**
 * Measures similar_posts_for_caller and similar_people_for_caller at 100,000 posts and people whose caller may read
 * all or 1 %. `npm run bench -- similar`. Prints the processor time of the database session. Needs a PostgreSQL.
 */
import { publishVectors, unitVectors } from "../trainer/data/replay/testing.ts";
import { Random } from "../trainer/models/nn/random.ts";
import { vectorAt } from "../trainer/models/nn/vector-at.ts";
import { load, timeQueries } from "./shared/times.ts";
import { openPostgres, openScope } from "./shared/workspace.ts";

const size = 100_000;
const requests = 50;
/** The first requests fill the caches. */
const warmUps = 5;
const id = (kind: string, n: string) => `md5('${kind} ' || ${n})::uuid`;

await using scope = openScope();
const database = await openPostgres(scope, "similar_bench");
const { pool } = database;
await fill();
console.log(`filled, ${load()}`);
await measure("all readable");
const readable = (column: string) => `hashtext(${column}::text) % 100 = 0 or ${column} = (select auth.uid())`;
await pool.query(
  `create policy few on public.posts as restrictive for select to authenticated using (${readable("id")})`,
);
await pool.query(
  `create policy few on public.profiles as restrictive for select to authenticated using (${readable("id")})`,
);
await measure("1 % readable");

async function fill(): Promise<void> {
  const client = await pool.connect();
  await client.query("set session_replication_role = replica");
  await client.query(
    `insert into public.profiles (id) select ${id("person", "n")} from generate_series(1, ${size}) as n`,
  );
  await client.query(
    `insert into public.posts (id, author_id, title, created_at)
       select ${id("post", "n")}, ${id("person", "n")}, 'post ' || n, now() - n * interval '1 minute' from generate_series(1, ${size}) as n`,
  );
  client.release();
  const random = new Random(1);
  const { rows } = await pool.query("select id from public.posts");
  const posts = rows.map((row) => row.id);
  const model = await publishVectors(database, posts, unitVectors(random, size));
  const users = unitVectors(random, size);
  await pool.query(
    `insert into recsys.user_embeddings (model_id, user_id, embedding)
       select $1, ${id("person", "n")}, vector::extensions.vector from unnest($2::text[]) with ordinality as person (vector, n)`,
    [model, Array.from({ length: size }, (_, i) => JSON.stringify([...vectorAt(users, i)]))],
  );
  await pool.query("select recsys.activate_model($1)", [model]);
  await pool.query("vacuum analyze");
}

async function measure(name: string): Promise<void> {
  // people with a post that everybody may read
  const { rows: asked } = await pool.query(
    `select ${id("person", "n")} as person, ${id("post", "n")} as post from generate_series(1, ${size}) as n
       where hashtext(${id("post", "n")}::text) % 100 = 0 limit ${warmUps + requests}`,
  );
  for (const [kind, role, statement] of [
    [
      "posts like one",
      "authenticated",
      "select * from recsys_engine.similar_posts_for_caller($2::uuid, 10 + 0 * length($1::text))",
    ],
    [
      "people like the caller",
      "service_role",
      "select * from recsys_engine.similar_people_for_caller($1::jsonb, 10 + 0 * length($2::text))",
    ],
  ]) {
    let found = 0;
    const figures = await timeQueries(pool, { warmUps, requests }, async (client, number) => {
      const { person, post } = asked[number];
      const claims = { sub: person, role: "authenticated" };
      const ask = async () => {
        const { rows } = await client.query(statement, [JSON.stringify(claims), post]);
        found = rows[0].items.length;
      };
      return { role, claims, ask };
    });
    console.log([`${kind}, ${name}`, ...figures, `${found} found`, load()].join(" | "));
  }
}
