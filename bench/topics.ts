/**
 * What topics of a large community take, from the first post read to the last row written: `npm run bench -- topics [POSTS]`, by default 1,000,000. Posts
 * of 8 words and a description of 30, of 300 subjects; a real post tower, untrained. Made twice: the first topics, and again as after a publish. Needs a PostgreSQL.
 */
import { createHash } from "node:crypto";
import { featureSpec, featureSpecDigest } from "../supabase/functions/_shared/features/feature-spec.ts";
import { tinyGraphs } from "../testing/community.ts";
import { wordTowers } from "../testing/towers.ts";
import { makeTopics } from "../trainer/topics/make-topics.ts";
import { load, ownProcessorTime } from "./shared/times.ts";
import { openPostgres, openScope } from "./shared/workspace.ts";

const posts = Number(process.argv[2] ?? 1_000_000);
await using scope = openScope();
const database = await openPostgres(scope, "bench_topics");
const { pool } = database;
await fill();
console.log(`${posts} posts, ${load()}`);
for (const time of ["the first time", "again"]) {
  const began: [string, number, number][] = [];
  const processor = process.cpuUsage();
  const onProgress = ({ step }: { step: string }) => {
    if (began.at(-1)?.[0] !== step) began.push([step, performance.now(), memory()]);
  };
  const made = await makeTopics({ database, onProgress, signal: new AbortController().signal });
  began.push(["", performance.now(), memory()]);
  const steps = began
    .slice(0, -1)
    .map(
      ([step, at], i) => `${step} ${((began[i + 1][1] - at) / 1000).toFixed(1)} s and ${began[i + 1][2].toFixed(0)} MB`,
    );
  const seconds = (began[began.length - 1][1] - began[0][1]) / 1000;
  console.log(
    `${time}: ${made?.topics} topics, ${made?.kept} of them kept, in ${seconds.toFixed(0)} s (${ownProcessorTime(processor).toFixed(0)} s of this process's processor time), ` +
      `at most ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MB; ${steps.join(", ")}; ${load()}`,
  );
}

/** What the process holds, in MB. */
function memory(): number {
  return process.memoryUsage.rss() / 2 ** 20;
}

/** A word of subject n, with a chance, or of those that all share. */
function word(chance: number): string {
  return `case when random() < ${chance} then 'subject' || n % 300 || 'word' || floor(40 * random() ^ 2) else 'common' || floor(2000 * random()) end`;
}

/** Of 20,000 texts, each several times. Posts without their triggers, and a model that serves, of whose vectors only that they are there counts. */
async function fill(): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query("set session_replication_role = replica");
    await client.query("insert into public.profiles (id) select gen_random_uuid() from generate_series(1, 10000)");
    // each subject has 40 words of its own, and shares 2,000 with all
    await client.query(
      `create temporary table texts as
       select n, array_to_string(array(select ${word(0.5)} from generate_series(1, 8) where n > 0), ' ') as title,
         array_to_string(array(select ${word(0.2)} from generate_series(1, 30) where n > 0), ' ') as description
       from generate_series(1, 20000) as n`,
    );
    await client.query(
      `with people as (select array_agg(id) as ids from public.profiles)
       insert into public.posts (id, author_id, title, description, tags)
       select gen_random_uuid(), people.ids[1 + copy % 10000], title, description, array['subject' || n % 300]
       from people cross join generate_series(1, ${posts}) as copy join texts on texts.n = 1 + copy % 20000`,
    );
    const { rows } = await client.query("select recsys_engine.create_model('bench', $1, $2, '{}') as id", [
      featureSpec,
      await featureSpecDigest(),
    ]);
    const model: number = rows[0].id;
    for (const [graph, onnx] of Object.entries({ ...tinyGraphs(), ...wordTowers() }))
      await client.query(
        "insert into recsys_engine.model_artifacts (model_id, graph, onnx, sha256) values ($1, $2, $3, $4)",
        [model, graph, onnx, createHash("sha256").update(onnx).digest("hex")],
      );
    await client.query(
      `insert into recsys_engine.post_embeddings_${model} (model_id, post_id, embedding)
       select ${model}, id, (array[1::real] || array_fill(0::real, array[31]))::extensions.vector from public.posts`,
    );
    await client.query(
      `alter table recsys.post_embeddings attach partition recsys_engine.post_embeddings_${model} for values in (${model})`,
    );
    await client.query("update recsys.models set status = 'active' where model_id = $1", [model]);
    await client.query("analyze public.posts");
    await client.query("analyze recsys.post_embeddings");
  } finally {
    client.release(true);
  }
}
