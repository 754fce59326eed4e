import { mkdir } from "node:fs/promises";
import { writeRecords } from "../../db/bundle/write-records.ts";
import type { OnProgress } from "../../db/progress.ts";
import type { Kind } from "../../supabase/functions/_shared/features/kinds.ts";
import { dayLength } from "./calendar.ts";
import { profileOf } from "./people.ts";
import type { Happening } from "./simulation.ts";
import type { SyntheticSize } from "./size.ts";
import { World } from "./world.ts";
import { textOf } from "./writings.ts";

/** The exposure log was switched on late, as such logs are; it is the largest file. */
const loggedDays = 14;

/** Number of records written, by file of the bundle. */
type SyntheticCounts = Record<"users" | "posts" | "interactions" | "logins" | "impressions", number>;

/**
 * Writes the community of a seed as a bundle into `folder`: same seed and size, same bytes.
 * Memory grows with users and posts, not with what they do.
 */
export async function writeSyntheticCommunity(
  folder: string,
  {
    seed,
    dismisses,
    onProgress,
    ...size
  }: SyntheticSize & {
    seed: number;
    /** Whether people dismiss what is worth little to them. */
    dismisses?: boolean;
    onProgress?: OnProgress;
  },
): Promise<SyntheticCounts> {
  const world = new World(seed, size, dismisses);
  return await writeWorld(folder, world, world.days, onProgress);
}

/** What a bundle calls something that was done with a post: a dismissal is a vote against it. */
export function recordOf(what: Kind | "dismiss"): { kind: Kind; value?: number } {
  return what === "dismiss" ? { kind: "vote", value: -1 } : { kind: what };
}

/** Lets a world live its first days and writes what is there by then, and what happened, as a bundle into `folder`. */
export async function writeWorld(
  folder: string,
  { seed, people, writings, simulation, after }: World,
  days: number,
  onProgress: OnProgress = () => {},
): Promise<SyntheticCounts> {
  const end = after(days);
  await mkdir(folder, { recursive: true });
  const counts = { users: 0, posts: 0, interactions: 0, logins: 0, impressions: 0 };

  const userFile = writeRecords(folder, "users");
  for (const person of people) {
    if (person.createdAt > end) continue;
    counts.users++;
    await userFile.write(profileOf(seed, person));
  }
  await userFile.close();

  const postFile = writeRecords(folder, "posts");
  for (const writing of writings) {
    if (writing.createdAt > end) continue;
    counts.posts++;
    await postFile.write(textOf(seed, writing, people[writing.author]));
  }
  await postFile.close();

  const interactionFile = writeRecords(folder, "interactions");
  const loginFile = writeRecords(folder, "logins");
  const impressionFile = writeRecords(folder, "impressions");
  const loggedSince = end - loggedDays * dayLength;
  const write = async (happening: Happening) => {
    const user_id = people[happening.user].id;
    const at = new Date(happening.at).toISOString();
    if (happening.what === "login") {
      counts.logins++;
      await loginFile.write({ user_id, created_at: at });
    } else if (happening.what !== "impressions") {
      counts.interactions++;
      const post_id = writings[happening.post].id;
      await interactionFile.write({ user_id, post_id, ...recordOf(happening.what), created_at: at });
    } else if (happening.at >= loggedSince) {
      for (const [i, post] of happening.posts.entries()) {
        const request_id = `${user_id} ${at}`;
        const impression = { request_id, user_id, post_id: writings[post].id, position: i + 1, shown_at: at };
        counts.impressions++;
        await impressionFile.write(impression);
      }
    }
  };
  for (let day = 1; day <= days; day++) {
    for (const happening of simulation.nextDay()) await write(happening);
    onProgress({ step: "invent a community", done: day, total: days });
  }
  await Promise.all([interactionFile.close(), loginFile.close(), impressionFile.close()]);
  return counts;
}
