/**
 * Vectors that an encoder makes of posts, for an app that keeps none itself. A text that is new or was edited waits in recsys_engine.encoding_jobs;
 * its vector, when it is there, has the post embedded again.
 */

import { changeAs, service } from "../database/caller.ts";
import { type Connection, execute, type Pool, run } from "../database/database.ts";
import { anyOf, db, insertRows, listOf, textOf } from "../database/query.ts";
import { type Encoders, mostTexts, textToEncode } from "./encoders.ts";
import { encoderOfSettings, type PostToEmbed } from "./read-jobs.ts";

/** As the index of the queue has it: a text that fails so often is left alone until it changes. */
const mostFailures = 5;

/** Queues those of some posts whose text has no vector by this encoder yet. */
export async function queueEncoding(connection: Connection, encoder: string, posts: PostToEmbed[]): Promise<void> {
  if (posts.length === 0) return;
  const ids = anyOf(posts.map(({ id }) => id));
  const stored = db.selectFrom("recsys_engine.raw_vectors").select(["post_id", "made_of"]);
  const rows = await run(connection, stored.where("encoder", "=", encoder).where("post_id", "=", ids));
  const known = new Map(rows.map(({ post_id, made_of }) => [post_id, made_of]));
  const digests = await Promise.all(posts.map(async (post) => await digestOf(textToEncode(post))));
  const waiting = posts.filter(({ id }, i) => known.get(id) !== digests[i]).map(({ id }) => id);
  if (waiting.length === 0) return;
  const queued = insertRows("recsys_engine.encoding_jobs", { post_id: ["uuid", waiting] });
  await execute(
    connection,
    queued.onConflict((row) => row.column("post_id").doUpdateSet({ failures: 0, last_error: null })),
  );
}

/** Encodes a few texts that wait; resolves to how many vectors were made, 0 where nothing waits or this host has no such encoder. */
export async function encodeBatch({ pool, encoders }: { pool: Pool; encoders: Encoders }): Promise<number> {
  // the rows are held until the vectors are stored, so that no two workers make the same
  return await changeAs(pool, service, waitingPosts(), async (connection, posts) => {
    const encoder = posts[0]?.encoder;
    const encode = encoder && encoders(encoder);
    if (!encode) return 0;
    let made = 0;
    for (const { id, ...post } of posts) {
      const text = textToEncode(post);
      try {
        // a text without a word has no vector
        if (text !== "") {
          const vector = Array.from(await encode(text));
          if (!vector.every(Number.isFinite) || vector.length < 2 || vector.length > 4096)
            throw new Error(`${encoder} gives ${vector.length} numbers, not all of them finite`);
          await execute(connection, store(encoder, { id, vector, made_of: await digestOf(text) }));
          made++;
        }
        await execute(connection, db.deleteFrom("recsys_engine.encoding_jobs").where("post_id", "=", id));
      } catch (error) {
        const last_error = String(error instanceof Error ? error.message : error).slice(0, 1000);
        const failed = db.updateTable("recsys_engine.encoding_jobs").set(({ eb }) => ({
          failures: eb("failures", "+", 1),
          last_error,
        }));
        await execute(connection, failed.where("post_id", "=", id));
      }
    }
    return made;
  });
}

/** Some posts that wait, whoever else takes others meanwhile. */
function waitingPosts() {
  const jobs = db
    .selectFrom("recsys_engine.encoding_jobs")
    .select("post_id")
    .where("failures", "<", mostFailures)
    .orderBy("post_id")
    .limit(mostTexts)
    .forUpdate()
    .skipLocked();
  return db
    .selectFrom(jobs.as("jobs"))
    .innerJoin("recsys.source_posts as posts", "posts.post_id", "jobs.post_id")
    .select(({ ref }) => [
      "posts.post_id as id",
      textOf(ref("posts.title")).as("title"),
      textOf(ref("posts.description")).as("description"),
      listOf(ref("posts.tags")).as("tags"),
      encoderOfSettings.as("encoder"),
    ]);
}

function store(encoder: string, { id, vector, made_of }: { id: string; vector: number[]; made_of: string }) {
  const row = { encoder, vector, made_of };
  const written = db.insertInto("recsys_engine.raw_vectors").values({ post_id: id, ...row });
  return written.onConflict((same) => same.column("post_id").doUpdateSet(row));
}

async function digestOf(text: string): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
