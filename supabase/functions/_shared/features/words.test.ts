import assert from "node:assert/strict";
import { test } from "node:test";
import { folded, words } from "./words.ts";

// Golden words, in Node and Deno: a model knows only the words of its training, so changing them breaks every model.

const golden: [text: string, words: string][] = [
  ["Crème brûlée, MÜNCHEN 2024! Ελλάδα · Москва", "creme brulee munchen 2024 ελλαδα москва"],
  [" …!? ", ""],
  ["don't RE-ENTER\tＲｏｍｅ ﬁlm soft\u00adhyphen zero\u200bwidth", "don t re enter rome film softhyphen zerowidth"],
  ["ΟΔΟΣ οδός İstanbul", "οδοσ οδοσ istanbul"],
  ["我想去巴黎旅行，需要签证吗？过境90天", "我想去 巴黎 旅行 需要 签证 吗 过境 90 天"],
  ["人人生而自由，在尊嚴和權利上一律平等。", "人 人生 而 自由 在 尊嚴 和 權利 上 一律 平等"],
  ["東京の天気はとても良いです。ｶﾞｲﾄﾞを読む", "東京 の 天気 は とても 良い です ガイド を 読む"],
  ["ฉันอยากไปเที่ยวเชียงใหม่ น้ำตก", "ฉัน อยาก ไป เที่ยว เชียงใหม่ น้ำตก"],
  ["ကျွန်တော်မန္တလေးကိုသွားချင်တယ်", "ကျွန်တော် မန္တလေး ကို သွား ချင် တယ်"],
  ["ខ្ញុំចង់ទៅ", "ខ្ញុំច ចង់ ង់ទៅ"],
  ["ຢາກໄປ ລາວ", "ຢາກ ກໄປ ລາວ"],
  ["मैं दिल्ली घूमना चाहता हूँ।", "मैं दिल्ली घूमना चाहता हूँ"],
  ["كِتَابٌ جميل، می\u200cخواهم؟", "كتاب جميل میخواهم"],
  ["שָׁלוֹם עולם", "שלום עולם"],
  ["서울에서 파리까지 \u1109\u1165\u110b\u116e\u11af", "서울에서 파리까지 서울"],
  ["去Paris看Rook·роза", "去 paris 看 rook роза"],
  ["👨\u200d👩\u200d👧\u200d👦 🇫🇷 1\ufe0f\u20e3 👍🏽", "1"],
];

test("words are lower case, without accents, of any script, and those of scripts without spaces are found", () => {
  for (const [text, found] of golden) assert.equal(words(text).join(" "), found, text);
});

test("words of English are what they were before other languages were read", () => {
  const before = (text: string) =>
    text
      .normalize("NFKD")
      .replace(/[\p{M}\p{Cf}]+/gu, "")
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu) ?? [];
  // Latin letters, accents, and the signs next to them
  const signs = Array.from({ length: 0x2c00 }, (_, code) => String.fromCharCode(code)).filter((sign) =>
    /[\0-\u036f\u1e00-\u1eff\u2000-\u2bff]/.test(sign),
  );
  const texts = signs.flatMap((sign) => [`a${sign}B`, `${sign}x ${sign}`]);
  for (const text of [...texts, "It’s “naïve” – 50 €…", "Zoë\u0301’s re\u0301sume\u0301 ½"])
    assert.deepEqual(words(text), before(text), JSON.stringify(text));
});

test("a word's signs in another order or form are the same word, and more of them no other", () => {
  assert.deepEqual(words("क\u093cलम"), words("क़लम"));
  assert.deepEqual(words("か\u3099"), words("が"));
  assert.notDeepEqual(words("か"), words("が"));
  assert.deepEqual(words(`Z${"\u0338\u031b".repeat(500)}algo 签\u0308证`), ["zalgo", "签证"]);
});

test("halves of letters are nothing, and harm nothing next to them", () => {
  assert.deepEqual(words("a\ud800b \udc00 我\ud800爱"), ["a", "b", "我", "爱"]);
  assert.equal(folded("A\ud800 我"), "a\ud800  我 ");
});

test("all of a long text without spaces, or of marks without letters, is read", () => {
  for (const [text, word] of [
    ["签证", "签证"],
    ["人", "人"],
    ["ア", "ア"],
    ["เชียงใหม่", "เชียงใหม่"],
    ["မန္တလေး", "မန္တလေး"],
    ["ខ្ញុំ", "ខ្ញុំខ្ញុំ"],
    ["ລ", "ລລ"],
  ]) {
    const found = words(text.repeat(Math.ceil(100_000 / text.length)));
    assert.ok(found.length > 10_000, `${text}: ${found.length}`);
    assert.ok(found.join("").length >= 100_000, `${text}: all of it is read`);
    if (text.length > 1) assert.ok(found.includes(word), `${text}: ${found.slice(0, 3)}`);
  }
  assert.equal(words(`क${"\u093e".repeat(100_000)}`).length, 1);
  assert.equal(words("\u093e".repeat(100_000)).length, 0);
});
