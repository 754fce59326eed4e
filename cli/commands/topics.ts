/** `recsys topics`: what the community's posts are about, found again in the active model's vectors. */

import type pg from "pg";
import { run } from "../../supabase/functions/_shared/database/database.ts";
import { db } from "../../supabase/functions/_shared/database/query.ts";
import { table } from "../../trainer/evaluation/report/table.ts";
import { topicsAreStale } from "../../trainer/topics/are-stale.ts";
import { makeTopics, type TopicsMade } from "../../trainer/topics/make-topics.ts";
import { storeIdeas } from "../../trainer/topics/store-ideas.ts";
import { type CommandContext, type DatabaseOption, inDatabase } from "./with-database.ts";

/** Makes topics and prints them, the most wanted first. */
export async function topicsCommand(options: DatabaseOption): Promise<void> {
  await inDatabase(options, {}, async (context) => {
    const made = await makeTopics(context);
    context.print(
      made ? topicsLine(made) : "others make topics just now, or another model serves since; those that there are:",
    );
    if (made) await storeIdeas(context.database);
    context.print(await topicsTable(context.database.pool));
  });
}

/** Makes topics where another model serves than those that there are come from. Feeds go on with the earlier ones where that fails, so it ends nothing. */
export async function topicsOfNewModel({ database, onProgress, signal, print }: CommandContext): Promise<void> {
  try {
    if (!(await topicsAreStale(database))) return;
    const made = await makeTopics({ database, onProgress, signal });
    if (made) print(topicsLine(made));
    await storeIdeas(database);
  } catch (error) {
    signal.throwIfAborted();
    console.error(
      `topics or ideas are as they were: ${error instanceof Error ? error.message : error}; \`npx --no-install recsys topics\` makes them`,
    );
  }
}

/** What came out, as a line. */
export function topicsLine({ modelName, posts, topics, kept }: TopicsMade): string {
  return `${topics} topics in ${posts} posts, by the vectors of model ${modelName}${kept > 0 ? `; ${kept} of them were there before` : ""}`;
}

async function topicsTable(pool: pg.Pool): Promise<string> {
  const topics = db.selectFrom("recsys_engine.topics").select(["topic_id", "label", "size", "demand", "supply"]);
  const rows = await run(pool, topics.orderBy("demand", "desc").orderBy("size", "desc").orderBy("topic_id"));
  const cells = rows.map(({ topic_id, label, size, demand, supply }) => [
    `${String(topic_id).padStart(5)}  ${label || "(no word that several authors share)"}`,
    String(size),
    demand.toFixed(1),
    supply.toFixed(2),
  ]);
  return `\n${table(["topic", "posts", "people a day", "new posts a day"], cells)}`;
}
