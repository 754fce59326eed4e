/** Asks for the golden answers in this process, as the function `recommend` does, with all that is random drawn by the number of the reader. */
import { openPool } from "../../supabase/functions/_shared/database/pool.ts";
import { openReplica } from "../../supabase/functions/_shared/database/replica.ts";
import { loadRuntime } from "../../supabase/functions/_shared/models/inference.ts";
import { modelCache } from "../../supabase/functions/_shared/models/models.ts";
import { openFeedServices, type RecommendServices } from "../../supabase/functions/_shared/plugins/feed-services.ts";
import { feedWithFallbacks } from "../../supabase/functions/_shared/recommend/feed-with-fallbacks.ts";
import type { FeedResult } from "../../supabase/functions/_shared/recommend/pipeline/types.ts";
import { type Page, readCursor } from "../../supabase/functions/_shared/recommend/request/cursor.ts";
import type { Feed } from "../../supabase/functions/_shared/recommend/request/feed-schema.ts";
import type { Reader } from "../../supabase/functions/_shared/recommend/request/reader.ts";
import { Random } from "../../trainer/models/nn/random.ts";
import { setClock } from "../batch.ts";
import type { GoldenCommunity, GoldenReader } from "./community.ts";
import { type GoldenAnswer, shortDigest } from "./compare.ts";
import { type AnswerCost, measure } from "./cost.ts";
import type { Variant } from "./variants.ts";

/** Longer than any run: the replica has all that the primary has. */
const behind = 3_600_000;

/** The answers to all readers, in their order, and what they cost the database and this process. */
export async function answersOf(
  community: GoldenCommunity,
  variant: Variant,
): Promise<{ answers: GoldenAnswer[]; cost: AnswerCost }> {
  const { database, readers, now } = community;
  await prepare(community, variant);
  const failures: unknown[] = [];
  const log = (code: string, cause: unknown) => void failures.push(new Error(code, { cause }));
  // each session plans for itself, and how many there are would hang on how busy the machine is
  const pool = openPool(community.cluster.url, (error) => log("connection_lost", error), { max: 1 });
  const replica = variant.byReplica ? openReplica(community.replica.url, log, behind) : undefined;
  const services = openFeedServices(pool, modelCache(loadRuntime), log, replica);
  const answers: GoldenAnswer[] = [];
  const cost = await measure(community, readers.length, async () => {
    for (const [n, reader] of readers.entries())
      answers.push(await withoutChance(n, () => answerOf(services, variant, reader, n)));
    await Promise.all([pool.end(), replica?.end()]);
  });
  if (failures.length > 0) throw failures[0];
  if (variant.isExplained)
    for (const [n, { id, explained }] of readers.entries())
      answers[n].explain = await explain(community, id, explained);
  if (variant.ago) await setClock(database, now);
  return { answers, cost };
}

async function prepare({ database, replica, readers, now }: GoldenCommunity, { prepare, ago }: Variant): Promise<void> {
  const { pool } = database;
  if (prepare) {
    await pool.query(
      "create table if not exists recsys_golden_readers as select n - 1 as n, id from unnest($1::uuid[]) with ordinality as readers (id, n)",
      [readers.map(({ id }) => id)],
    );
    await pool.query(prepare);
    await pool.query("select recsys.roll_up(null)");
    await pool.query("vacuum analyze");
  }
  if (ago) {
    const { rows } = await pool.query("select ($1::timestamptz - $2::interval)::text as past", [now, ago]);
    await setClock(database, rows[0].past);
  }
  await replica.caughtUp();
}

/** A page, of every fourth reader the next one too, and what the first was made of. */
async function answerOf(
  services: RecommendServices,
  variant: Variant,
  asked: GoldenReader,
  n: number,
): Promise<GoldenAnswer> {
  const [reader, page] = [readerOf(variant, asked), pageOf(variant, asked, n)];
  const first = await feedWithFallbacks(services, reader, page, "live");
  if (variant.byReplica && first.decision?.found.isOfReplica !== true)
    throw new Error("the replica did not find the posts");
  const { next } = first.feed;
  const served = n % 4 > 0 || next === null ? null : readCursor(next);
  const second = served && (await feedWithFallbacks(services, reader, { ...page, served }, "live"));
  return { ...candidatesOf(first), pages: [...linesOf(first.feed), ...(second ? linesOf(second.feed) : [])] };
}

function readerOf({ isVisitor }: Variant, { id, passions }: GoldenReader): Reader {
  if (isVisitor) return { caller: { role: "anon" }, interests: passions.slice(0, 3) };
  return { caller: { role: "authenticated", sub: id }, interests: [] };
}

function pageOf({ ask }: Variant, reader: GoldenReader, n: number): Page {
  const { filter, candidates } = ask?.(reader, n) ?? {};
  const served = { seed: BigInt(n + 1), keys: [], folded: 0 };
  return { limit: 20, served, ...(filter && { filter }), ...(candidates && { given: candidates }) };
}

/** What each source brought, in its order, and all of it in the order of its scores; nothing where no model ranked, or the request named the posts. */
function candidatesOf({ decision }: FeedResult): Pick<GoldenAnswer, "candidates" | "ranking"> {
  if (!decision) return { candidates: [], ranking: [] };
  const ofSources = decision.found.posts.flatMap(({ post_id, ranks, author_affinity, follows_author, touches }) =>
    Object.entries(ranks).flatMap(([source, rank]) => {
      const line = `${source} ${rank} ${post_id} affinity ${author_affinity} follows ${follows_author} touches ${touches}`;
      return rank === null ? [] : [{ source, rank, line }];
    }),
  );
  ofSources.sort(
    (a, b) => a.source.localeCompare(b.source, "en") || a.rank - b.rank || a.line.localeCompare(b.line, "en"),
  );
  const ranked = decision.ranked.toSorted((a, b) => b.score - a.score || (a.post.post_id < b.post.post_id ? -1 : 1));
  return { candidates: ofSources.map(({ line }) => line), ranking: ranked.map(({ post }) => post.post_id) };
}

/** Without scores and probabilities, whose last digits are another on another processor, and without what names the request. */
function linesOf({ items, basis, degraded, mode }: Feed): string[] {
  return [
    `basis ${basis} degraded ${degraded} mode ${mode}`,
    ...items.map(({ post_id, position, source, why, promoted, folded, score, predictions, ...card }) =>
      [
        position,
        post_id,
        source,
        JSON.stringify(why),
        promoted ?? "-",
        folded ?? 0,
        shortDigest(JSON.stringify(card)),
      ].join(" "),
    ),
  ];
}

/** The answer of recsys.explain to a reader about a post. */
export async function explain({ database }: GoldenCommunity, reader: string, post: string): Promise<string[]> {
  const { rows } = await database.pool.query("select topic, item, value from recsys.explain($1, $2)", [reader, post]);
  return rows.map(({ topic, item, value }) => `${post} ${topic}: ${item}: ${value}`);
}

/** Meanwhile draws by lot come from the reader's number, and what a worker keeps for some seconds is as old as many feeds make it, however long they take. */
async function withoutChance<Made>(n: number, make: () => Promise<Made>): Promise<Made> {
  const [random, uniform, now] = [new Random(n), Math.random, performance.now];
  Math.random = () => random.uniform();
  performance.now = () => 1000 + 100 * n;
  return await make().finally(() => {
    Math.random = uniform;
    performance.now = now;
  });
}
