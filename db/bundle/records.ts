import { z } from "zod";

const day = 24 * 60 * 60 * 1000;
/** No time of a bundle lies before it, in milliseconds since 1970. */
export const earliest = Date.parse("1990-01-01T00:00:00Z");

/** Postgres stores neither a NUL character nor half a surrogate pair; everything else JSON can say is welcome. */
const text = z
  .string()
  .refine((value) => !value.includes("\0"), "contains a NUL character, which Postgres cannot store")
  .refine((value) => value.isWellFormed(), "contains half a surrogate pair, which Postgres cannot store");

/** Characters as Postgres counts them: of an emoji that JavaScript counts as two, one. */
const atMost = (most: number) =>
  text.refine(
    (value) => value.length <= most || [...value].length <= most,
    `is longer than ${most.toLocaleString("en")} characters`,
  );

/** As long as the app's tables take them (20261125000100_app_tables.sql). */
const title = atMost(1000);
const longText = atMost(50_000).default("");
const list = z
  .array(text)
  .max(100, "has more than 100 entries")
  .refine((entries) => [...entries.join("")].length <= 10_000, "is longer than 10,000 characters in all")
  .default([]);

/** Ids and project titles are indexed, and a Postgres index entry ends at 2,704 bytes. */
const indexed = text.min(1, "must not be empty").max(500, "is longer than 500 characters");

/** The zone is required: a time without one would mean a different instant on every machine. */
const time = z.iso
  .datetime({ offset: true, error: "must be an ISO 8601 time with a zone, such as 2026-01-31T17:05:00Z" })
  .refine(
    (value) => !/[+-](1[6-9]|2\d):?\d\d$/.test(value),
    "has a zone beyond 15:59 hours, which Postgres does not know",
  )
  .refine((value) => !(Date.parse(value) < earliest), "lies before the year 1990")
  .refine((value) => !(Date.parse(value) > Date.now() + day), "lies in the future");

/** `value` is stored as a 4-byte float; what would overflow it is refused here, with its line. */
const strength = z.number().refine((value) => Number.isFinite(Math.fround(value)), "is too large for a 4-byte float");

const userRecord = z.object({
  id: indexed,
  passions: list,
  projects: z.array(indexed).max(100, "has more than 100 entries").default([]),
  bio: longText,
  created_at: time,
});

const postRecord = z.object({
  id: indexed,
  author_id: indexed.nullable().default(null),
  title,
  description: longText,
  tags: list,
  created_at: time,
});

const interactionRecord = z.object({
  user_id: indexed,
  post_id: indexed,
  kind: z.enum(["view", "vote", "comment"]),
  value: strength.nullish(),
  created_at: time,
});

const impressionRecord = z.object({
  request_id: indexed,
  user_id: indexed,
  post_id: indexed,
  position: z.int().min(1).max(32_767),
  shown_at: time,
});

export const loginRecord = z.object({ user_id: indexed, created_at: time });

const followRecord = z.object({
  user_id: indexed,
  kind: z.enum(["person", "topic", "group"]),
  target_id: indexed,
  created_at: time,
});

const vector = z
  .array(strength)
  .min(2, "has fewer than 2 numbers")
  .max(4096, "has more than 4,096 numbers")
  .refine((numbers) => numbers.some((value) => Math.fround(value) !== 0), "is of zeros alone");

export type UserRecord = z.infer<typeof userRecord>;
export type PostRecord = z.infer<typeof postRecord>;
export type InteractionRecord = z.infer<typeof interactionRecord>;
export type ImpressionRecord = z.infer<typeof impressionRecord>;
export type LoginRecord = z.infer<typeof loginRecord>;
export type FollowRecord = z.infer<typeof followRecord>;

/** The files of a bundle in the order in which they are read: what is referred to comes first. */
export const bundleFiles = {
  users: { name: "users.ndjson.gz", record: userRecord, required: true },
  posts: { name: "posts.ndjson.gz", record: postRecord, required: true },
  interactions: { name: "interactions.ndjson.gz", record: interactionRecord, required: true },
  logins: { name: "logins.ndjson.gz", record: loginRecord, required: false },
  impressions: { name: "impressions.ndjson.gz", record: impressionRecord, required: false },
  follows: { name: "follows.ndjson.gz", record: followRecord, required: false },
  post_vectors: { name: "post_vectors.ndjson.gz", record: z.object({ post_id: indexed, vector }), required: false },
  user_vectors: { name: "user_vectors.ndjson.gz", record: z.object({ user_id: indexed, vector }), required: false },
} as const;

export type BundlePart = keyof typeof bundleFiles;
export type RecordOf<Part extends BundlePart> = z.infer<(typeof bundleFiles)[Part]["record"]>;
