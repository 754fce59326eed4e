/** Which people an experiment's variants have: the same as recsys.bucket() in the database, which db/experiments.test.ts checks. */

/** How many buckets people are split into. */
export const buckets = 10_000;

/** Which bucket a person is in, 0 to 9999: the first 32 bits of sha256(salt:id), modulo 10,000. The id is a uuid in small letters. */
export async function bucketOf(userId: string, salt: string): Promise<number> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(`${salt}:${userId}`));
  return new DataView(digest).getUint32(0) % buckets;
}
