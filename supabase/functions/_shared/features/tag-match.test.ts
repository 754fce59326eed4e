import assert from "node:assert/strict";
import { test } from "node:test";
import { tagMatches } from "./tag-match.ts";

const tagged = (...tags: string[]) => ({ tags });

test("the cosine of tags, each weighing its idf among the candidates", () => {
  const candidates = [tagged("guitar", "luthier"), tagged("guitar"), tagged("cycling"), tagged()];
  const matches = tagMatches([tagged("guitar", "luthier"), tagged("guitar")], candidates);
  // 2 of 4 candidates have guitar, 1 has luthier: idf ln(5/3) and ln(5/2); the history has guitar twice, luthier once
  const [guitar, luthier] = [Math.log(5 / 3), Math.log(5 / 2)];
  const interest = Math.hypot(2 * guitar, luthier);
  const expected = [
    (2 * guitar ** 2 + luthier ** 2) / (Math.hypot(guitar, luthier) * interest),
    (2 * guitar ** 2) / (guitar * interest),
    0,
    0,
  ];
  for (const [i, match] of matches.entries()) assert.ok(Math.abs(match - expected[i]) < 1e-12, `${i}: ${match}`);
});

test("what has the same tags as all of the history matches by 1; without tags or history nothing does", () => {
  const candidates = [tagged("a", "b"), tagged("a"), tagged("c")];
  assert.ok(Math.abs(tagMatches([tagged("a", "b"), tagged("a", "b")], candidates)[0] - 1) < 1e-12);
  assert.deepEqual([...tagMatches([], candidates)], [0, 0, 0]);
  assert.deepEqual([...tagMatches([tagged()], candidates)], [0, 0, 0]);
  assert.deepEqual([...tagMatches([tagged("x")], [tagged()])], [0]);
});

test("a tag that every candidate has tells nothing, and the names of methods are tags like others", () => {
  const candidates = [tagged("all", "constructor"), tagged("all", "__proto__")];
  const matches = tagMatches([tagged("all", "__proto__")], candidates);
  assert.equal(matches[0], 0);
  assert.ok(matches[1] > 0.5, `${matches[1]}`);
});

test("a tag that is named again and again, by a candidate or in the history, is named once", () => {
  const candidates = [tagged("a", "b"), tagged("a"), tagged("c")];
  const history = [tagged("a"), tagged("a", "c")];
  const often = [tagged("a", "b"), tagged(...Array(6).fill("a")), tagged("c")];
  assert.deepEqual(tagMatches(history, often), tagMatches(history, candidates));
  assert.deepEqual(tagMatches([tagged("a", "a", "a"), history[1]], candidates), tagMatches(history, candidates));
  // even if it has too many tags to count
  assert.ok(tagMatches(history, [...candidates, tagged(...Array(100).fill("a"))])[3] <= 1);
});

test("a candidate with far more tags than others changes no match of theirs", () => {
  const others = [tagged("a", "b"), tagged("a"), tagged("c"), tagged("b"), tagged("d"), tagged("e")];
  const history = [tagged("a", "c"), tagged("d")];
  const most = tagged("a", "b", "c", "d", "e", ...Array.from({ length: 95 }, (_, i) => `more ${i}`));
  const with_ = tagMatches(history, [...others, most]);
  assert.deepEqual(with_.slice(0, -1), tagMatches(history, [...others, tagged("other")]).slice(0, -1));
  assert.ok(with_[6] > 0 && with_[6] < 1, `it matches by its own tags: ${with_[6]}`);
});
