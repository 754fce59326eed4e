import assert from "node:assert/strict";
import { test } from "node:test";
import { excerptOf } from "./describe-items.ts";

const words = (n: number) => Array.from({ length: n }, () => "word").join(" ");

const cases: [string, string, string][] = [
  ["nothing", "", ""],
  ["white space", " \n\t\u00a0 ", ""],
  ["a short text", "It’s 👍", "It’s 👍"],
  ["lines and runs of white space", "  one\n\n two\t\tthree ", "one two three"],
  ["markup, as it is", "**Bold** <b>&amp;</b>", "**Bold** <b>&amp;</b>"],
  ["200 letters", "x".repeat(200), "x".repeat(200)],
  ["201 letters without a space", "x".repeat(201), `${"x".repeat(199)}…`],
  ["words, after a whole one", words(60), `${words(40)}…`],
  ["a word that ends just there", `${"x".repeat(199)} ${"y".repeat(99)}`, `${"x".repeat(199)}…`],
  ["a long word behind a short one", `a ${"x".repeat(300)}`, `a ${"x".repeat(197)}…`],
  ["letters of two units, none of them halved", "👍".repeat(300), `${"👍".repeat(199)}…`],
];
for (const [name, text, expected] of cases)
  test(`an excerpt of ${name}`, () => {
    const excerpt = excerptOf(text);
    assert.equal(excerpt, expected);
    assert.ok(excerpt.isWellFormed() && [...excerpt].length <= 200);
  });
