/** The app's own ids of posts, of which recsys.id_of (20261125000291_app_ids.sql) made the engine's. */
import { type Identity, readAs } from "../database/caller.ts";
import type { Pool, Statement } from "../database/database.ts";

/** A number of 16 hexadecimal digits is in the 18th, the 21st to 23rd and the last 12 of these places. */
const ofNumber = /^72656373-7973-800(.)-8(...)-(.{12})$/;
/** What recsys.id_of(text) makes, and other uuids of version 8: an app's own, that is. */
const ofText = /^.{14}8/;

/** As recsys.app_id without an external id: the number in a uuid, or the uuid itself. */
export function appIdOf(postId: string): string {
  const digits = ofNumber.exec(postId)?.slice(1).join("");
  return digits === undefined ? postId : String(BigInt.asIntN(64, BigInt(`0x${digits}`)));
}

interface NamedPost {
  post_id: string;
  app_id: string;
}

/** Puts the app's texts in place of the hashes that stand for them; it asks the database only where there are such. */
export async function nameAppIds(pool: Pool, caller: Identity, items: NamedPost[], timeout: string): Promise<void> {
  const ids = items.flatMap(({ post_id }) => (ofText.test(post_id) && !ofNumber.test(post_id) ? [post_id] : []));
  if (ids.length === 0) return;
  const rows = await readAs(pool, caller, readAppIds(ids), async (_, rows) => rows, timeout);
  const names = new Map(rows.map(({ post_id, app_id }) => [post_id, app_id]));
  for (const item of items) item.app_id = names.get(item.post_id) ?? item.app_id;
}

function readAppIds(ids: string[]): Statement<NamedPost> {
  return {
    text: `select post_id, recsys.app_id(post_id, external_id) as app_id from recsys.source_posts where post_id = any ($1::uuid[])`,
    values: [ids],
  };
}
