/** What a client asks of each post of a feed; the fields of recsys_engine.feed_filter, which holds it in every source. */
import * as z from "zod";

const [mostEntries, longestTag, oldest] = [50, 100, 36_500];

/** PostgreSQL has no text with a NUL, nor half of a surrogate pair. */
const text = z
  .string()
  .min(1)
  .max(longestTag)
  .refine((tag) => /^[^\0\p{Surrogate}]*$/u.test(tag));
const language = z
  .string()
  .regex(/^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/)
  .max(35)
  .toLowerCase();
/** `what`: words for the entries in the error message. */
const listOf = <Entry extends z.ZodType>(entry: Entry, what: string, description: string) =>
  z
    .array(entry)
    .min(1)
    .max(mostEntries)
    .optional()
    .meta({ description, refusal: `1 to ${mostEntries} ${what}` });

export const feedFilter = z
  .strictObject({
    tags: listOf(
      text,
      `texts of 1 to ${longestTag} characters, without NUL or half a surrogate pair`,
      "One of these tags; capital and small letters are the same.",
    ),
    author_ids: listOf(z.guid(), "UUIDs of authors", "By one of these authors."),
    max_age_days: z
      .int()
      .min(1)
      .max(oldest)
      .optional()
      .meta({ description: "Not older than so many days.", refusal: `a whole number from 1 to ${oldest}` }),
    languages: listOf(
      language,
      "BCP 47 tags, such as en or pt-br",
      "In one of these languages: BCP 47 tags, such as en or pt-br.",
    ),
  })
  .meta({
    id: "FeedFilter",
    description: "What each post has to be like. Every part may be left out; of a list one entry has to fit.",
    refusal: `a filter may have tags (texts of 1 to ${longestTag} characters), author_ids (UUIDs), languages (such as en), each 1 to ${mostEntries}, and max_age_days (from 1 to ${oldest})`,
  });

export type FeedFilter = z.infer<typeof feedFilter>;
