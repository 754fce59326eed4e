import assert from "node:assert/strict";
import { test } from "node:test";
import { documentPool, documentsOf, forgetDocuments, hashOf, numberOf } from "./documents.ts";
import { textMatches } from "./text-match.ts";

const post = (title: string, ...tags: string[]) => ({ title, tags });

test("a document has each word of title and tags once, in their order, and is read once", () => {
  const [first, again] = documentsOf([
    post("The visa, the train", "bus train"),
    post("The visa, the train", "bus", "train"),
  ]);
  const pool = documentPool();
  const numbers = pool.slice(first + 1, first + 1 + pool[first]);
  assert.deepEqual([...numbers], ["the", "visa", "train", "bus"].map(numberOf));
  assert.equal(again, first, "tags are read one behind the other");
});

test("a text that was changed is another", () => {
  const texts = [
    post(""),
    post("", ""),
    post("Tea"),
    post("tea"),
    post("Tea", "green"),
    post("Tea", "black"),
    post("Tea", "black", "strong"),
    post("Teablack"),
    post("aeT"),
    post("茶"),
    ...Array.from({ length: 100_000 }, (_, i) => post(`number ${i}`, `${i % 7}`)),
  ];
  assert.equal(new Set(texts.map(hashOf)).size, texts.length);
  assert.deepEqual(documentsOf([{ ...post("anything"), hash: hashOf(post("Tea")) }]), documentsOf([post("Tea")]));
});

test("whoever reads more texts than are kept gets the same matches", () => {
  const candidates = Array.from({ length: 40_000 }, (_, i) => post(`what this is about, number ${i}`, `tag ${i % 50}`));
  const history = [candidates[3], post("about number 7", "tag 12")];
  const some = candidates.slice(0, 500);
  const before = textMatches(history, some);
  const all = textMatches(history, candidates);
  assert.ok(forgetDocuments());
  assert.ok(!forgetDocuments());
  assert.deepEqual(textMatches(history, some), before);
  assert.deepEqual(textMatches(history, candidates), all);
});
