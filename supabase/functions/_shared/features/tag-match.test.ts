import assert from "node:assert/strict";
import { test } from "node:test";
import { tagMatches } from "./tag-match.ts";

const tagged = (...tags: string[]) => ({ tags });

test("the cosine of tags, each weighing its idf among the candidates", () => {
  const candidates = [tagged("guitar", "luthier"), tagged("guitar"), tagged("cycling"), tagged()];
  const matches = tagMatches([tagged("guitar", "luthier"), tagged("guitar")], candidates);
  // of four candidates two have guitar, one luthier: idf ln(5/3) and ln(5/2); the history has guitar twice, luthier once
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
