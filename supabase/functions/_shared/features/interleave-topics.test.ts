import assert from "node:assert/strict";
import { test } from "node:test";
import { interleaveTopics } from "./interleave-topics.ts";
import { sources } from "./retrieval.ts";

const { size, maxPerAuthor } = sources.followed;
const author = (post: string) => post.split(" ")[0];
const list = (name: string, count: number) => Array.from({ length: count }, (_, i) => `${name} ${i}`);
const each = (name: string, count: number) => Array.from({ length: count }, (_, i) => `${name}${i} ${i}`);

test("without topics people keep their places, of whoever the posts are", () => {
  const people = list("ann", size);
  assert.equal(interleaveTopics(people, [], author), people);
});

test("people and topics take turns, and topics among each other", () => {
  assert.deepEqual(
    interleaveTopics(each("p", 3), [each("a", 3), each("b", 1)], author),
    "p0 0|a0 0|p1 1|b0 0|p2 2|a1 1|a2 2".split("|"),
  );
});

test("what a topic or people lack others get, up to what the source brings", () => {
  const [people, topic] = [each("p", size), each("a", size)];
  const found = interleaveTopics(people, [topic], author);
  assert.equal(found.length, size);
  assert.equal(found.filter((post) => post.startsWith("a")).length, size / 2);
  assert.deepEqual(interleaveTopics([], [topic], author), topic);
  assert.deepEqual(interleaveTopics(people, [[]], author), people);
});

test("a post of two topics, or of a topic and somebody who is followed, is there once", () => {
  assert.deepEqual(
    interleaveTopics(
      ["p 0"],
      [
        ["a 0", "p 0"],
        ["a 0", "b 0"],
      ],
      author,
    ),
    ["p 0", "a 0", "b 0"],
  );
});

test("an author who writes on every topic has at most the cap before others and then the rest; unknown authors are not one author", () => {
  const found = interleaveTopics(each("p", 4), [list("ann", 20), list("ann", 20).map((post) => `${post}'`)], author);
  assert.equal(found.slice(0, maxPerAuthor + 4).filter((post) => author(post) === "ann").length, maxPerAuthor);
  assert.equal(found.length, 44);
  assert.deepEqual(interleaveTopics([], [list("ann", 20), each("b", 1)], () => null).slice(0, 3), [
    "ann 0",
    "b0 0",
    "ann 1",
  ]);
});
