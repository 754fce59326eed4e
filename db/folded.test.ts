/** What the database folds and what the functions fold is the same text, or a muted word would be found here and not there. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { folded } from "../supabase/functions/_shared/features/tokens.ts";
import { testDatabase } from "./testing.ts";

const { pool } = await testDatabase({ after }, "folded");

test("every mark and every sign without width goes, in SQL as in TypeScript", async () => {
  const signs: string[] = [];
  for (let code = 1; code <= 0x10ffff; code++) {
    const sign = String.fromCodePoint(code);
    if (/[\p{M}\p{Cf}]/u.test(sign)) signs.push(sign);
  }
  assert.ok(signs.length > 2000, `${signs.length}`);
  const { rows } = await pool.query(
    "select sign from unnest($1::text[]) as sign where recsys.folded('a' || sign || 'b') <> 'ab'",
    [signs],
  );
  // some marks stand for a letter
  assert.deepEqual(
    rows.filter(({ sign }) => folded(`a${sign}b`) === "ab"),
    [],
  );
});

test("texts are folded alike", async () => {
  const texts = [
    "Rook",
    "ÜBER u\u0308ber",
    "ｒｏｏｋ",
    "ﬁlm",
    "soft\u00adhyphen",
    "zero\u200bwidth",
    "①②",
    "Ａ\u0301",
    "क्षि",
    "Ω≈ç",
    "x\u202ey",
  ];
  const { rows } = await pool.query("select recsys.folded(text) as folded from unnest($1::text[]) as text", [texts]);
  assert.deepEqual(
    rows.map((row) => row.folded),
    texts.map(folded),
  );
});
