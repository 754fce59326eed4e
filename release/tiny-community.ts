/** Writes the bundle of a community that is learned from in seconds: `node release/tiny-community.ts FOLDER`. */
import { writeSyntheticCommunity } from "../trainer/synthetic/write-synthetic-community.ts";

await writeSyntheticCommunity(process.argv[2], { seed: 1, users: 40, posts: 100, days: 20 });
