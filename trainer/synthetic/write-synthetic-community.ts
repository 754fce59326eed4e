import { mkdir } from "node:fs/promises";
import { writeRecords } from "../../db/bundle/write-records.ts";
import type { OnProgress } from "../../db/progress.ts";
import { communityEnd, dayLength } from "./calendar.ts";
import { createPeople, profileOf } from "./people.ts";
import { type Happening, simulate } from "./simulation.ts";
import { fullSize, type SyntheticSize } from "./size.ts";
import { createWritings, textOf } from "./writings.ts";

/** The exposure log was switched on late, as such logs are; it is the largest file. */
const loggedDays = 14;

/** Number of records written, by file of the bundle. */
export type SyntheticCounts = Record<"users" | "posts" | "interactions" | "logins" | "impressions", number>;

/**
 * Writes the community of a seed as a bundle into `folder`: same seed and size, same bytes.
 * Memory grows with users and posts, not with what they do.
 */
export async function writeSyntheticCommunity(
  folder: string,
  { seed, onProgress = () => {}, ...size }: SyntheticSize & { seed: number; onProgress?: OnProgress },
): Promise<SyntheticCounts> {
  const { users, posts, days } = fullSize(size);
  const people = createPeople(seed, users, days);
  const writings = createWritings(seed, posts, days, people);
  await mkdir(folder, { recursive: true });

  const userFile = writeRecords(folder, "users");
  for (const person of people) await userFile.write(profileOf(seed, person));
  await userFile.close();

  const postFile = writeRecords(folder, "posts");
  for (const writing of writings) await postFile.write(textOf(seed, writing, people[writing.author]));
  await postFile.close();

  const counts = { users, posts, interactions: 0, logins: 0, impressions: 0 };
  const interactionFile = writeRecords(folder, "interactions");
  const loginFile = writeRecords(folder, "logins");
  const impressionFile = writeRecords(folder, "impressions");
  const loggedSince = communityEnd - loggedDays * dayLength;
  const write = async (happening: Happening) => {
    const user_id = people[happening.user].id;
    const at = new Date(happening.at).toISOString();
    if (happening.what === "login") {
      counts.logins++;
      await loginFile.write({ user_id, created_at: at });
    } else if (happening.what !== "impressions") {
      counts.interactions++;
      const post_id = writings[happening.post].id;
      await interactionFile.write({ user_id, post_id, kind: happening.what, created_at: at });
    } else if (happening.at >= loggedSince) {
      for (const [i, post] of happening.posts.entries()) {
        const request_id = `${user_id} ${at}`;
        const impression = { request_id, user_id, post_id: writings[post].id, position: i + 1, shown_at: at };
        counts.impressions++;
        await impressionFile.write(impression);
      }
    }
  };
  let day = 0;
  for (const happenings of simulate(seed, days, people, writings)) {
    for (const happening of happenings) await write(happening);
    onProgress({ step: "invent a community", done: ++day, total: days });
  }
  await Promise.all([interactionFile.close(), loginFile.close(), impressionFile.close()]);
  return counts;
}
