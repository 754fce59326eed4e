/**
 * Vectors that an encoder makes of posts, for an app that keeps none itself. A text that is new or was edited waits in recsys_engine.encoding_jobs;
 * its vector, when it is there, has the post embedded again.
 */

import { type InferResult, sql } from "kysely";
import { type Connection, execute, type Pool, run } from "../database/database.ts";
import { anyOf, db, insertRows, listOf, textOf } from "../database/query.ts";
import { service, transactAs } from "../database/run-as-caller.ts";
import { type Encoder, type Encoders, mostTexts, textToEncode } from "./encoders.ts";
import type { PostToEmbed } from "./read-jobs.ts";

/** As the index of the queue has it: a text that fails so often is left alone until it changes. */
const mostFailures = 5;

/** So long a text may take, in milliseconds, and then no other of its batch is begun. */
const mostMilliseconds = 10_000;

/** A batch takes twice as long at most. What a worker took that died is taken by another then. */
const lease = "1 minute";

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
    queued.onConflict((row) =>
      row
        .column("post_id")
        .doUpdateSet(({ ref }) => ({ failures: 0, last_error: null, due_at: ref("excluded.due_at") })),
    ),
  );
}

/**
 * Encodes a few texts that wait; resolves to how many vectors were made, 0 where nothing waits or this host has no such encoder. `patience`:
 * milliseconds for a text. Nothing is locked while the encoder works: a text that was edited or erased meanwhile is none of this worker's any more.
 */
export async function encodeBatch(
  { pool, encoders }: { pool: Pool; encoders: Encoders },
  patience = mostMilliseconds,
): Promise<number> {
  const settings = db.selectFrom("recsys.settings").select("text_encoder as encoder");
  const work = await transactAs(pool, service, settings, async (connection, [{ encoder }]) => {
    const encode = encoder && encoders(encoder);
    return encode ? { encoder, encode, jobs: await run(connection, claimTexts()) } : undefined;
  });
  if (!work || work.jobs.length === 0) return 0;
  const { encoder, encode, jobs } = work;
  const encoded: { job: EncodingJob; row: EncodedText | null | Error }[] = [];
  const end = performance.now() + patience;
  for (const job of jobs) {
    // the others are due when their lease is over
    if (performance.now() >= end) break;
    const text = job.is_gone ? "" : textToEncode(job);
    const row = encodeText(text, encoder, encode, patience);
    encoded.push({ job, row: await row.catch((error) => (error instanceof Error ? error : new Error(String(error)))) });
  }
  return await transactAs(pool, service, settings, async (connection) => {
    let made = 0;
    for (const { job, row } of encoded)
      if (row instanceof Error) await execute(connection, fail(job, row));
      else if ((await run(connection, acknowledge(job))).length > 0) {
        if (row) made++;
        await execute(connection, row ? store(job, row) : removeStored(job, encoder));
      }
    return made;
  });
}

type EncodedText = { encoder: string; vector: number[]; made_of: string };

/** null: a text without a word has no vector. */
async function encodeText(
  text: string,
  encoder: string,
  encode: Encoder,
  patience: number,
): Promise<EncodedText | null> {
  if (text === "") return null;
  const vector = Array.from(await within(patience, encode(text), encoder), Math.fround);
  if (!vector.every(Number.isFinite) || vector.length < 2 || vector.length > 4096)
    throw new Error(`${encoder} gives ${vector.length} numbers, not all of them finite`);
  return { encoder, vector, made_of: await digestOf(text) };
}

async function within<Value>(milliseconds: number, work: Promise<Value>, encoder: string): Promise<Value> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new Error(`${encoder} takes longer than ${milliseconds / 1000} s`);
    timer = setTimeout(() => reject(error), milliseconds);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Takes some posts that wait, those of most failures last, else the longest first; also what is shown no more, so that it waits no longer. */
function claimTexts() {
  const due = db
    .selectFrom("recsys_engine.encoding_jobs")
    .select("post_id")
    .where("failures", "<", mostFailures)
    .where("due_at", "<=", now)
    .orderBy("failures")
    .orderBy("due_at")
    .orderBy("post_id")
    .limit(mostTexts)
    .forUpdate()
    .skipLocked();
  const claimed = db
    .updateTable("recsys_engine.encoding_jobs")
    .set({ due_at: sql`${now} + ${lease}::interval` })
    // an array, for a plan may ask a subquery several times, and each time it would lock others
    .where(sql<boolean>`post_id = any (array(${due}))`)
    // to the microsecond, which a Date is not
    .returning(["post_id", sql<string>`due_at::text`.as("claim")]);
  return db
    .with("claimed", () => claimed)
    .selectFrom("claimed")
    .leftJoin("recsys.source_posts as posts", "posts.post_id", "claimed.post_id")
    .select(({ ref, eb }) => [
      "claimed.post_id as id",
      "claimed.claim",
      eb("posts.post_id", "is", null).as("is_gone"),
      textOf(ref("posts.title")).as("title"),
      textOf(ref("posts.description")).as("description"),
      listOf(ref("posts.tags")).as("tags"),
    ]);
}

type EncodingJob = InferResult<ReturnType<typeof claimTexts>>[number];

const now = sql<Date>`clock_timestamp()`;
const ofClaim = ({ id, claim }: EncodingJob) => sql<boolean>`post_id = ${id}::uuid and due_at = ${claim}::timestamptz`;

function acknowledge(job: EncodingJob) {
  return db.deleteFrom("recsys_engine.encoding_jobs").where(ofClaim(job)).returning("post_id");
}

function fail(job: EncodingJob, { message }: Error) {
  return db
    .updateTable("recsys_engine.encoding_jobs")
    .set(({ eb }) => ({
      failures: eb("failures", "+", 1),
      last_error: message.slice(0, 1000),
      due_at: now,
    }))
    .where(ofClaim(job));
}

function store({ id }: EncodingJob, row: EncodedText) {
  const written = db.insertInto("recsys_engine.raw_vectors").values({ post_id: id, ...row });
  return written.onConflict((same) => same.column("post_id").doUpdateSet(row));
}

function removeStored({ id }: EncodingJob, encoder: string) {
  return db.deleteFrom("recsys_engine.raw_vectors").where("post_id", "=", id).where("encoder", "=", encoder);
}

async function digestOf(text: string): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
