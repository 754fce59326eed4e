/** `recsys compare`: what the app's own listing shows a person, and what their feed may show. */
import { compareListing } from "../../adopt/compare-listing.ts";
import { someOf } from "../../db/foreign-tables.ts";
import { findUser } from "./feed.ts";
import { type DatabaseOption, inDatabase } from "./with-database.ts";

/** Ids that are printed of each group. */
const printed = 10;

/** Prints the number of common posts, and the posts that only one side has, with reasons. The exit code is 1 if the feed may show more than the listing. */
export async function compareCommand(options: DatabaseOption & { as: string; sql: string }): Promise<void> {
  await inDatabase(options, {}, async ({ database, print }) => {
    const { user_id } = await findUser(database, options.as);
    const { both, missing, extra, differences } = await compareListing(database.pool, user_id, options.sql);
    print(`${both} posts are in the listing and may be in the feed`);
    for (const { reason, posts } of missing)
      print(`${posts.length} are in the listing alone: ${reason}: ${someOf(posts, printed)}`);
    if (extra.length === 0) return;
    process.exitCode = 1;
    print(`${extra.length} may be in the feed alone: ${someOf(extra, printed)}`);
    for (const { text, posts } of differences)
      print(`  of ${posts.length} of these ${text}: ${someOf(posts, printed)}`);
    const explained = differences.reduce((sum, { posts }) => sum + posts.length, 0);
    if (explained < extra.length)
      print(`  ${extra.length - explained} of these differ in no column of the watched posts`);
    print("a policy of the posts, or a condition in recsys.source_posts, keeps them out of feeds");
  });
}
