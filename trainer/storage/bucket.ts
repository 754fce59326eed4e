/** A place in a bucket that speaks S3's protocol, and what the environment says of it. */
import { ListMultipartUploadsCommand, S3Client } from "@aws-sdk/client-s3";
import { UserError } from "../../db/user-error.ts";
import { explainStorage } from "./storage-errors.ts";

export interface Bucket {
  client: S3Client;
  name: string;
  /** What all keys begin with: nothing, or a path with "/" at its end. */
  prefix: string;
  /** As it was named: s3://BUCKET/PREFIX. */
  url: string;
  /** Where it is, for messages. */
  endpoint: string;
}

/**
 * Opens s3://BUCKET/PREFIX. Credentials come from where the AWS SDK looks for them (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, or a
 * profile), the endpoint from AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL, the region from AWS_REGION. Throws a `UserError` where the URL is none.
 */
export function openBucket(url: string, env: NodeJS.ProcessEnv = process.env): Bucket {
  const { name, prefix } = parseBucketUrl(url);
  const endpoint = env.AWS_ENDPOINT_URL_S3 || env.AWS_ENDPOINT_URL || undefined;
  if (endpoint !== undefined && !URL.canParse(endpoint))
    throw new UserError(
      `AWS_ENDPOINT_URL_S3 is no URL: ${endpoint}; of Supabase it is https://PROJECT.storage.supabase.co/storage/v1/s3`,
    );
  const client = new S3Client({
    region: env.AWS_REGION || env.AWS_DEFAULT_REGION || "us-east-1",
    ...(endpoint && { endpoint }),
    // Supabase and most others have no name of their own for each bucket
    forcePathStyle: true,
    // others than AWS do not know its newer checksums; each part carries its MD5
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    maxAttempts: 5,
    requestHandler: { connectionTimeout: 10_000, requestTimeout: 120_000, throwOnRequestTimeout: true },
  });
  return { client, name, prefix, url: `s3://${name}/${prefix}`.replace(/\/$/, ""), endpoint: endpoint ?? "AWS" };
}

/** Reads s3://BUCKET/PREFIX; throws a `UserError` where it is none. */
export function parseBucketUrl(url: string): { name: string; prefix: string } {
  const [, name, path = ""] = /^s3:\/\/([A-Za-z0-9][A-Za-z0-9._-]{1,62})(?:\/(.*))?$/.exec(url) ?? [];
  if (name === undefined) throw new UserError(`${url} names no bucket: s3://BUCKET/PREFIX is needed`);
  const parts = path.split("/").filter((part) => part !== "");
  // of a URL these would be taken away, and the signature would be of another one
  if (parts.some((part) => /^\.\.?$|\p{Cc}|\\/u.test(part)))
    throw new UserError(`${url}: the path within a bucket has no ".", "..", "\\" or control characters`);
  return { name, prefix: parts.map((part) => `${part}/`).join("") };
}

/** Throws a `UserError` where the bucket cannot be reached, or is not ours to upload to: before the work, not after it. */
export async function requireBucket(bucket: Bucket, abortSignal?: AbortSignal): Promise<void> {
  await asking(bucket, abortSignal, async () => {
    const command = new ListMultipartUploadsCommand({ Bucket: bucket.name, Prefix: bucket.prefix, MaxUploads: 1 });
    await bucket.client.send(command, { ...(abortSignal && { abortSignal }) });
  });
}

/** Runs requests; what they fail with becomes a line with its cure, and what a signal ended the signal's reason. */
export async function asking<Result>(
  bucket: Bucket,
  signal: AbortSignal | undefined,
  requests: () => Promise<Result>,
): Promise<Result> {
  try {
    signal?.throwIfAborted();
    return await requests();
  } catch (error) {
    signal?.throwIfAborted();
    throw explainStorage(error, bucket);
  }
}
