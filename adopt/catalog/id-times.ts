/** Ids that say when a row was created: which of the known forms the ids of a table have. */
import type { IdForm, IdTime } from "./catalog.ts";

/** What a form is, for a reader; recsys.time_of_id reads the same times from it. */
export const idForms: Record<IdForm, string> = {
  aid: "aid or aidx: milliseconds since 2000 in base 36, in the first 8 letters",
  meid: "meid: milliseconds since 1970 and 2^47 in base 16, in the first 12 letters",
  objectid: "ObjectId: seconds since 1970 in base 16, in the first 8 letters",
  ulid: "ULID: milliseconds since 1970 in Crockford's base 32, in the first 10 letters",
  "uuid v7": "UUID version 7: milliseconds since 1970 in the first 48 bits",
  mastodon: "snowflake as Mastodon makes it: milliseconds since 1970, above 16 bits",
  twitter: "snowflake as Twitter makes it: milliseconds since November 2010, above 22 bits",
  discord: "snowflake as Discord makes it: milliseconds since 2015, above 22 bits",
};

const readers: { form: IdForm; pattern: RegExp; milliseconds: (id: string) => number }[] = [
  {
    form: "uuid v7",
    pattern: /^[0-9a-f]{8}-[0-9a-f]{4}-7/,
    milliseconds: (id) => hex(id.slice(0, 13).replace("-", "")),
  },
  { form: "ulid", pattern: /^[0-7][0-9a-hjkmnp-tv-z]{25}$/i, milliseconds: (id) => crockford(id.slice(0, 10)) },
  { form: "meid", pattern: /^[89a-f][0-9a-f]{23}$/, milliseconds: (id) => hex(id.slice(0, 12)) - 2 ** 47 },
  { form: "objectid", pattern: /^[0-9a-f]{24}$/, milliseconds: (id) => hex(id.slice(0, 8)) * 1000 },
  {
    form: "aid",
    pattern: /^[0-9a-z]{10}$|^[0-9a-z]{16}$/,
    milliseconds: (id) => Number.parseInt(id.slice(0, 8), 36) + Date.UTC(2000, 0),
  },
  { form: "mastodon", pattern: /^\d{16,19}$/, milliseconds: (id) => Number(BigInt(id) >> 16n) },
  { form: "twitter", pattern: /^\d{16,19}$/, milliseconds: (id) => Number(BigInt(id) >> 22n) + 1288834974657 },
  { form: "discord", pattern: /^\d{16,19}$/, milliseconds: (id) => Number(BigInt(id) >> 22n) + Date.UTC(2015, 0) },
];

/** Fewer ids than these could have the form by chance. */
const enough = 3;

/**
 * The form that all the ids have, so that each of them is of a time that can be; where several fit, as of snowflakes, whose newest is the
 * nearest to now. `ids`: some of the table's, the greatest first.
 */
export function idTimeOf(ids: string[], now = new Date()): IdTime | undefined {
  if (ids.length < enough) return undefined;
  const latest = now.getTime() + 86_400_000;
  const fitting = readers.flatMap(({ form, pattern, milliseconds }) => {
    if (!ids.every((id) => pattern.test(id))) return [];
    const times = ids.map(milliseconds);
    // no app is older; and what counts from 1 would be of the first instant of a form
    if (times.some((time) => !(time > Date.UTC(2005, 0) && time < latest)) || new Set(times).size === 1) return [];
    return [{ form, newest: { id: ids[0], at: new Date(times[0]) } }];
  });
  return fitting.sort((one, other) => other.newest.at.getTime() - one.newest.at.getTime())[0];
}

function hex(digits: string): number {
  return Number.parseInt(digits, 16);
}

function crockford(digits: string): number {
  const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";
  return [...digits.toLowerCase()].reduce((value, digit) => value * 32 + alphabet.indexOf(digit), 0);
}
