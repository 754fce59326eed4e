/** What goes wrong with a bucket, in one line with its cure. */
import { UserError } from "../../db/user-error.ts";

/** What a message names of a bucket. */
interface Place {
  name: string;
  url: string;
  endpoint: string;
}

interface StorageError extends Error {
  /** A code of Node, where no server answered. */
  code?: string;
  $metadata?: { httpStatusCode?: number };
}

const keys = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";

/** An error of the SDK as a `UserError`; any other as it is. */
export function explainStorage(error: unknown, bucket: Place): unknown {
  if (error instanceof UserError) return error;
  const { name, code = "", message, $metadata } = error as StorageError;
  const status = $metadata?.httpStatusCode;
  const problem = problemOf(name, code, status, bucket);
  if (problem) return new UserError(`${bucket.url}: ${problem}`);
  if (status !== undefined || $metadata !== undefined)
    return new UserError(
      `${bucket.url}: ${bucket.endpoint} answers ${status ?? "nothing"} ${name} (${oneLine(message)})`,
    );
  return error;
}

const oneLine = (text: string) => text.replace(/\s+/g, " ").slice(0, 200);

function problemOf(
  name: string,
  code: string,
  status: number | undefined,
  { name: bucket, endpoint }: Place,
): string | undefined {
  if (/^(CredentialsProviderError|TokenProviderError)$/.test(name)) return `no credentials: set ${keys}`;
  switch (name) {
    case "NoSuchBucket":
      return `${endpoint} has no bucket ${bucket}: create it, or name another one`;
    case "InvalidAccessKeyId":
    case "InvalidClientTokenId":
      return `${endpoint} does not know the access key: set ${keys}`;
    case "SignatureDoesNotMatch":
      return `the signature is wrong: AWS_SECRET_ACCESS_KEY does not belong to AWS_ACCESS_KEY_ID, or AWS_REGION is not the bucket's`;
    case "ExpiredToken":
    case "ExpiredTokenException":
    case "InvalidToken":
      return "AWS_SESSION_TOKEN has expired, or is none: get another one";
    case "RequestTimeTooSkewed":
      return "the clock of this machine is wrong: set it, for requests are signed with the time";
    case "AuthorizationHeaderMalformed":
    case "PermanentRedirect":
      return "the bucket is in another region: set AWS_REGION";
    case "EntityTooLarge":
      return "the bucket takes no file so large: raise its limit (Supabase: Storage, Settings)";
  }
  if (status === 403 || name === "AccessDenied")
    return `${endpoint} forbids it: the key needs to read, write and list the bucket (403)`;
  if (status === 401) return `${endpoint} wants other credentials: set ${keys} (401)`;
  if (status === 413) return "the bucket takes no file so large: raise its limit (Supabase: Storage, Settings)";
  if (
    /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ECONNRESET|EPIPE)$/.test(code) ||
    name === "TimeoutError"
  )
    return `${endpoint} does not answer (${code || name}): is AWS_ENDPOINT_URL_S3 right, and the network up? A second start goes on from here`;
  if (status !== undefined && (status >= 500 || status === 429))
    return `${endpoint} answers ${status} again and again: a second start goes on from here`;
  return undefined;
}
