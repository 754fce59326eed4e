/** The app's own ids of posts, of which recsys.id_of (20261125000291_app_ids.sql) made the engine's. */

/** A number of 16 hexadecimal digits is in the 18th, the 21st to 23rd and the last 12 of these places. */
const ofNumber = /^72656373-7973-800(.)-8(...)-(.{12})$/;

/** As recsys.app_id without an external id: the number in a uuid, or the uuid itself. */
export function appIdOf(postId: string): string {
  const digits = ofNumber.exec(postId)?.slice(1).join("");
  return digits === undefined ? postId : String(BigInt.asIntN(64, BigInt(`0x${digits}`)));
}
