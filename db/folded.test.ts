/** What the database folds and what the functions fold is the same text, or a muted word would be found here and not there. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { folded } from "../supabase/functions/_shared/features/words.ts";
import { testDatabase } from "./testing.ts";

const { pool } = await testDatabase({ after }, "folded");

test("every mark and every sign without width is folded alike in SQL and in TypeScript", async () => {
  const signs: string[] = [];
  for (let code = 1; code <= 0x10ffff; code++) {
    const sign = String.fromCodePoint(code);
    if (/[\p{M}\p{Cf}\p{DI}]/u.test(sign) && !/\p{Cn}/u.test(sign)) signs.push(`a${sign}b`);
  }
  const { rows } = await pool.query<{ sign: string; folded: string; alone: boolean }>(
    `select sign, recsys_engine.fold_text(sign) as folded, recsys_engine.fold_text(sign) ~ ('a' || recsys_engine.word_separator_class() || 'b') as alone from unnest($1::text[]) as sign`,
    [signs],
  );
  assert.deepEqual(
    rows.filter((row) => row.folded !== folded(row.sign)),
    [],
  );
  assert.deepEqual(
    rows.filter(({ alone }) => alone),
    [],
    "and a mark that stays is part of a word",
  );
  const gone = rows.filter((row) => row.folded === "ab").length;
  assert.ok(gone > 800 && gone < signs.length - 1200, `${gone} of ${signs.length} are accents`);
});

test("letters of scripts without spaces stand apart in SQL as in TypeScript, and no others", async () => {
  const apart = Array.from({ length: 0x40000 }, (_, code) => folded(String.fromCodePoint(code)).startsWith(" "));
  const letters = apart.flatMap((is, code) => {
    // both sides of each edge, and a few of the 100,000 between; no halves of letters
    const isChosen = is !== apart[code - 1] || is !== apart[code + 1] || code % 512 === 0;
    return isChosen && code > 0 && (code < 0xd800 || code > 0xdfff) ? [String.fromCodePoint(code)] : [];
  });
  const { rows } = await pool.query<{ letter: string; folded: string }>(
    "select letter, recsys_engine.fold_text(letter) as folded from unnest($1::text[]) as letter",
    [letters],
  );
  assert.deepEqual(
    rows.filter((row) => row.folded !== folded(row.letter)),
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
    "去Paris旅行签证90天",
    "東京の ｶﾞｲﾄﾞ がか\u3099",
    "น้ำตก น\u0e49\u0e4d\u0e32ตก ຫນ້ຳ",
    "ខ្ញុំចង់ទៅ\u200bលេង",
    "ကျွန်တော်",
    "दिल्ली क़लम क\u093cलम",
    "كِتَابٌ می\u200cخواهم",
    "שָׁלוֹם",
    "서울에서 \u1109\u1165울",
    "ΟΔΟΣ οδός",
    "İstanbul DİYARBAKIR",
    "👨\u200d👩\u200d👧 1\ufe0f\u20e3",
    `Z${"\u0338\u031b".repeat(500)}algo 签\u0308证`,
  ];
  const { rows } = await pool.query("select recsys_engine.fold_text(text) as folded from unnest($1::text[]) as text", [
    texts,
  ]);
  assert.deepEqual(
    rows.map((row) => row.folded),
    texts.map(folded),
  );
});
