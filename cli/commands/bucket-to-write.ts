import type { Bucket } from "../../trainer/storage/bucket.ts";

/** The bucket of an option --s3; throws a `UserError` where it is none that may be written to. Its library is loaded only here, which takes a quarter of a second. */
export async function bucketToWrite(url: string): Promise<Bucket> {
  const { openBucket, requireBucket } = await import("../../trainer/storage/bucket.ts");
  const bucket = openBucket(url);
  await requireBucket(bucket);
  return bucket;
}
