/** Which ids say when, and when that is: by examples from the formats' own descriptions, in TypeScript and in SQL alike. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { testDatabase } from "../../db/testing.ts";
import { idTimeOf } from "./id-times.ts";

const now = new Date("2026-11-27T12:00:00Z");
const aid = (at: string, noise: string) => (Date.parse(at) - Date.UTC(2000, 0)).toString(36).padStart(8, "0") + noise;

/** The ids of a table, the greatest first, the form that they have, and when the first was created. */
const known: [form: string, ids: string[], at: string][] = [
  [
    "aid",
    [aid("2026-11-20T10:00:00Z", "a1"), aid("2020-01-01T00:00:00Z", "zz"), aid("2024-05-05T05:05:05Z", "00")],
    "2026-11-20T10:00:00.000Z",
  ],
  [
    "aid",
    [
      aid("2026-11-20T10:00:00Z", "a1b20001"),
      aid("2020-01-01T00:00:00Z", "a1b20002"),
      aid("2024-05-05T05:05:05Z", "a1b20003"),
    ],
    "2026-11-20T10:00:00.000Z",
  ],
  // the example of the ULID specification
  [
    "ulid",
    ["01ARZ3NDEKTSV4RRFFQ69G5FAV", "01ARYZ6S41TSV4RRFFQ69G5FAV", "01ARYZ6S40TSV4RRFFQ69G5FAV"],
    "2016-07-30T23:54:10.259Z",
  ],
  // that of RFC 9562, and a second before
  [
    "uuid v7",
    [
      "017f22e2-79b0-7cc3-98c4-dc0c0c07398f",
      "017f22e2-75c8-7cc3-98c4-dc0c0c07398f",
      "017f22e2-75c8-7cc3-98c4-dc0c0c073980",
    ],
    "2022-02-22T19:22:22.000Z",
  ],
  // that of MongoDB's manual
  [
    "objectid",
    ["507f1f77bcf86cd799439011", "507f191e810c19729de860ea", "507f1f76bcf86cd799439011"],
    "2012-10-17T21:13:27.000Z",
  ],
  [
    "meid",
    ["819aaaaaaaaa0123456789ab", "819a000000000123456789ab", "8199000000000123456789ab"],
    new Date(0x019aaaaaaaaa).toISOString(),
  ],
  // a status of the encyclopedia's article on snowflakes; and ids of two milliseconds before
  ["twitter", ["1541815603606036480", "1541815603597647872", "1541815603597647873"], "2022-06-28T16:07:40.105Z"],
  [
    "mastodon",
    [(1764000000000n << 16n).toString(), (1700000000000n << 16n).toString(), ((1700000000000n << 16n) + 1n).toString()],
    new Date(1764000000000).toISOString(),
  ],
  // of these the form whose newest is nearest to now
  [
    "discord",
    [
      ((1764000000000n - 1420070400000n) << 22n).toString(),
      ((1700000000000n - 1420070400000n) << 22n).toString(),
      ((1600000000000n - 1420070400000n) << 22n).toString(),
    ],
    new Date(1764000000000).toISOString(),
  ],
];

const unknown: [what: string, ids: string[]][] = [
  ["numbers from 1 on", ["1000", "2", "1", "3"]],
  ["large numbers from one on", ["1000000000000003", "1000000000000002", "1000000000000001"]],
  [
    "random uuids",
    [
      "9f0c4a4e-1111-4abc-8def-000000000001",
      "9e0c4a4e-1111-4abc-8def-000000000001",
      "9d0c4a4e-1111-4abc-8def-000000000001",
    ],
  ],
  ["slugs of ten letters", ["zucchini01", "tomatoes01", "asparagus1"]],
  ["too few to say", [aid("2026-11-20T10:00:00Z", "a1"), aid("2020-01-01T00:00:00Z", "zz")]],
  ["one of another form", [aid("2026-11-20T10:00:00Z", "a1"), aid("2020-01-01T00:00:00Z", "zz"), "system"]],
  [
    "times to come",
    [aid("2031-11-20T10:00:00Z", "a1"), aid("2031-11-20T10:00:01Z", "a1"), aid("2031-11-20T10:00:02Z", "a1")],
  ],
  ["none", []],
];

test("ids of each known form are recognised, and the newest is dated", () => {
  // of several snowflakes that fit, it is the one whose newest is nearest to now
  for (const [form, ids, at] of known)
    assert.deepEqual(
      idTimeOf(ids, form === "twitter" ? new Date("2022-06-29") : now),
      { form, newest: { id: ids[0], at: new Date(at) } },
      form,
    );
});

test("what only looks like one is none", () => {
  for (const [what, ids] of unknown) assert.equal(idTimeOf(ids, now), undefined, what);
});

test("recsys.time_of_id says the same, and null of whatever is no such id", async () => {
  const { pool } = await testDatabase({ after });
  for (const [form, ids, at] of known) {
    const { rows } = await pool.query("select recsys.time_of_id($1, $2) as at", [ids[0], form]);
    assert.equal(rows[0].at.toISOString(), at, form);
  }
  const forms = [...new Set(known.map(([form]) => form)), "none"];
  const worst = [
    "",
    "-",
    "é",
    "%s",
    "99999999999999999999999999",
    "-9223372036854775808",
    "9223372036854775807",
    "zzzzzzzzzzzzzzzzzzzzzzzzzzzz",
    "ffffffffffffffffffffffff",
    "'; --",
  ];
  const { rows } = await pool.query(
    "select form, id, recsys.time_of_id(id, form) as at from unnest($1::text[]) as form cross join unnest($2::text[]) as id",
    [forms, worst],
  );
  assert.equal(rows.length, forms.length * worst.length);
  for (const { form, id, at } of rows) if (/[^0-9a-z-]|^-|^$/.test(id)) assert.equal(at, null, `${form} of ${id}`);
});
