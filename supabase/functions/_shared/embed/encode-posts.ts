/**
 * Encodes posts for an app without vectors of its own. New or edited texts wait in recsys_engine.encoding_jobs; a new
 * vector makes its post be embedded again.
 */

import { type InferResult, sql } from "kysely";
import { type Connection, execute, type Pool, run } from "../database/database.ts";
import { anyOf, db, insertRows, listOf, textOf } from "../database/query.ts";
import { service, transactAs } from "../database/run-as-caller.ts";
import { type Encoder, type Encoders, mostTexts, textToEncode } from "./encoders.ts";
import type { PostToEmbed } from "./read-jobs.ts";

/**
 * Maximum number of failures, the condition of the queue's index; a text that reaches it is skipped until it changes.
 */
const mostFailures = 5;

/** Timeout of a text in milliseconds; after it, no other text of the batch is started. */
const mostMilliseconds = 10_000;

/** Lease of a claim: a batch takes at most twice the timeout. Afterwards another worker takes over. */
const lease = "1 minute";

/** Queues the posts whose current text has no vector by this encoder. */
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
 * Encodes a few waiting texts; resolves to the number of vectors, 0 if nothing waits or the encoder is missing. It
 * holds no locks meanwhile: results for edited or erased texts are discarded. `patience`: milliseconds per text.
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
    // the remaining jobs are due again when their lease expires
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

/** Returns null for a text without content. */
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

/** Claims waiting posts, fewest failures and longest wait first; also those no longer visible, to remove their jobs. */
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
    // an array, because a plan may run a subquery repeatedly and lock more rows each time
    .where(sql<boolean>`post_id = any (array(${due}))`)
    // as text, since a Date loses microseconds
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
