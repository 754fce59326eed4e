import { mkdir } from "node:fs/promises";
import { writeAll, writeRecords } from "../../../db/bundle/write-records.ts";
import type { OnProgress } from "../../../db/progress.ts";
import type { Kind } from "../../../supabase/functions/_shared/features/kinds.ts";
import { dayLength } from "./calendar.ts";
import { createFollows, followRecordOf, type NewFollow } from "./follows.ts";
import { profileOf } from "./people.ts";
import type { Happening } from "./simulation.ts";
import type { SyntheticSize } from "./world.ts";
import { World } from "./world.ts";
import { postRecordOf } from "./writings.ts";

/** The exposure log was switched on late, as such logs are; it is the largest file. */
const loggedDays = 14;

/** Number of records written, by file of the bundle. */
type SyntheticCounts = Record<"users" | "posts" | "interactions" | "logins" | "impressions" | "follows", number>;

export interface SyntheticOptions extends SyntheticSize {
  seed: number;
  /** Whether people dismiss what is worth little to them. */
  dismisses?: boolean;
  /** Whether people follow others. */
  follows?: boolean;
  onProgress?: OnProgress;
}

/**
 * Writes the community of a seed as a bundle into `folder`: same seed and size, same bytes.
 * Memory grows with users and posts, not with what they do.
 */
export async function writeSyntheticCommunity(
  folder: string,
  { seed, dismisses, follows, onProgress, ...size }: SyntheticOptions,
): Promise<SyntheticCounts> {
  const world = new World(seed, size, dismisses);
  return await writeWorld(folder, world, world.days, follows ? createFollows(seed, world.people) : [], onProgress);
}

/** What a bundle calls something that was done with a post: a dismissal is a vote against it. */
export function recordOf(what: Kind | "dismiss"): { kind: Kind; value?: number } {
  return what === "dismiss" ? { kind: "vote", value: -1 } : { kind: what };
}

/** Lets a world live its first days and writes what is there by then, what happened and of `follows` what was begun, as a bundle into `folder`. */
export async function writeWorld(
  folder: string,
  { seed, people, writings, simulation, after }: World,
  days: number,
  follows: NewFollow[],
  onProgress: OnProgress = () => {},
): Promise<SyntheticCounts> {
  const end = after(days);
  await mkdir(folder, { recursive: true });
  const isThere = ({ createdAt }: { createdAt: number }) => createdAt <= end;
  const users = await writeAll(
    folder,
    "users",
    people.filter(isThere).map((person) => profileOf(seed, person)),
  );
  const texts = writings.filter(isThere).map((writing) => postRecordOf(seed, writing, people[writing.author]));
  const posts = await writeAll(folder, "posts", texts);

  const begun = follows.filter(({ at }) => at <= end).map((follow) => followRecordOf(follow, people));
  const followed = begun.length > 0 ? await writeAll(folder, "follows", begun) : 0;

  const interactionFile = writeRecords(folder, "interactions");
  const loginFile = writeRecords(folder, "logins");
  const impressionFile = writeRecords(folder, "impressions");
  const loggedSince = end - loggedDays * dayLength;
  const write = async (happening: Happening) => {
    const user_id = people[happening.user].id;
    const at = new Date(happening.at).toISOString();
    if (happening.what === "login") await loginFile.write({ user_id, created_at: at });
    else if (happening.what !== "impressions") {
      const post_id = writings[happening.post].id;
      await interactionFile.write({ user_id, post_id, ...recordOf(happening.what), created_at: at });
    } else if (happening.at >= loggedSince) {
      for (const [i, post] of happening.posts.entries()) {
        const request_id = `${user_id} ${at}`;
        const post_id = writings[post].id;
        await impressionFile.write({ request_id, user_id, post_id, position: i + 1, shown_at: at });
      }
    }
  };
  for (let day = 1; day <= days; day++) {
    for (const happening of simulation.nextDay()) await write(happening);
    onProgress({ step: "invent a community", done: day, total: days });
  }
  const files = [interactionFile, loginFile, impressionFile];
  const [interactions, logins, impressions] = await Promise.all(files.map((file) => file.close()));
  return { users, posts, interactions, logins, impressions, follows: followed };
}
