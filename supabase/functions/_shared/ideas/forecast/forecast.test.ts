/** Parts of a forecast, compared with values computed by hand. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { AuthorMeans } from "./author-means.ts";
import { blended, fitBlend } from "./blend.ts";
import { Forecaster } from "./forecaster.ts";
import { fitRidge, predictRidge } from "./ridge.ts";
import { distinctWordsOf, TitleIndex } from "./title-index.ts";

const about = (value: number, expected: number, tolerance = 1e-3) =>
  assert.ok(Math.abs(value - expected) < tolerance, `${value} is not about ${expected}`);

test("ridge on two words that never meet is their mean difference, shrunken", () => {
  // mean 2; n = 3 each, differences of +1 and -1: weight = 3 / (3 + 6)
  const texts = [["a"], ["a"], ["a"], ["b"], ["b"], ["b"]];
  const ridge = fitRidge(texts, Float64Array.of(3, 3, 3, 1, 1, 1), { penalty: 6, leastTexts: 3 });
  about(predictRidge(ridge, ["a"]), 2 + 3 / 9);
  about(predictRidge(ridge, ["b"]), 2 - 3 / 9);
  assert.equal(predictRidge(ridge, ["unknown"]), 2);
});

test("ridge on words that meet solves (X'X + λI) w = X'y", () => {
  const texts = [["a", "b"], ["a"], ["b"], ["a", "b"]];
  const y = Float64Array.of(4, 1, 2, 5);
  const { weights } = fitRidge(texts, y, { penalty: 1, leastTexts: 1 });
  // centred: 1, -2, -1, 2; X'X = [[3,2],[2,3]], X'y = [1, 2]; ([[4,2],[2,4]])⁻¹ · [1, 2] = [0, 0.5]
  about(weights.get("a") ?? Number.NaN, 0);
  about(weights.get("b") ?? Number.NaN, 0.5);
});

test("a word of too few texts is not learned from", () => {
  assert.deepEqual([...fitRidge([["a"], ["b"]], Float64Array.of(1, 9), { penalty: 1, leastTexts: 2 }).weights], []);
});

test("no texts at all predict 0", () => {
  assert.equal(predictRidge(fitRidge([], new Float64Array(), { penalty: 1, leastTexts: 1 }), ["a"]), 0);
});

test("the nearest texts are those of brute force", () => {
  const vocabulary = "ant bee cat dog eel fox gnu hen".split(" ");
  const texts = Array.from({ length: 200 }, (_, i) => vocabulary.filter((_, v) => (i * 37 + v * v * 11) % 5 < 2));
  const index = new TitleIndex([["common"], ...texts.map((text) => text.slice(0, 1))]);
  for (const text of texts) index.add(text);
  const asked = ["ant", "dog", "fox"];
  const df = (word: string) => texts.filter((text) => text[0] === word).length;
  const weight = (word: string) => (df(word) > 0.1 * 201 ? 0 : 1 + Math.log(202 / (1 + df(word))));
  const norm = (text: string[]) => Math.sqrt(text.reduce((sum, word) => sum + weight(word) ** 2, 0)) || 1;
  const cosine = (text: string[]) =>
    text.filter((word) => asked.includes(word)).reduce((sum, word) => sum + weight(word) ** 2, 0) /
    (norm(text) * norm(asked));
  const expected = texts.map(cosine).sort((a, b) => b - a);
  const found = index.nearest(asked, 20);
  assert.equal(found.length, 20);
  for (const [i, { text, similarity }] of found.entries()) {
    about(similarity, expected[i], 1e-9);
    about(similarity, cosine(texts[text]), 1e-9);
  }
  assert.deepEqual(index.nearest(asked, 20), found, "a query leaves nothing behind");
  assert.deepEqual(index.nearest(["nothing"], 5), []);
});

test("a text is itself to its nearest", () => {
  const texts = ["Trains in Spain", "Trains in France", "Food in Peru"].map((title) =>
    distinctWordsOf({ title, tags: [] }),
  );
  const index = new TitleIndex(Array.from({ length: 30 }, (_, i) => texts[i] ?? [`word${i}`]));
  for (const text of texts) index.add(text);
  const [nearest] = index.nearest(texts[1], 1);
  assert.equal(nearest.text, 1);
  about(nearest.similarity, 1, 1e-9);
});

test("an author's mean begins as everybody's and becomes their own", () => {
  const means = new AuthorMeans();
  assert.equal(means.of("ann"), 0);
  means.add("bob", 1);
  means.add(null, 3);
  assert.equal(means.of("ann"), 2);
  for (let i = 0; i < 5; i++) means.add("ann", 10);
  const mean = (1 + 3 + 50) / 7;
  about(means.of("ann"), (50 + 5 * mean) / 10);
  assert.equal(means.of(null), mean);
});

test("a blend believes the part that was right, and is right on average", () => {
  const people = Array.from({ length: 2000 }, (_, i) => i % 10);
  const parts = people.map((each, i) => ({ words: Math.log1p(each), nearest: Math.sin(i), author: 1 }));
  const fitted = fitBlend(parts, people, people);
  const blend = (each: (typeof parts)[number]) => blended(fitted, each);
  const said = parts.map(blend);
  about(
    said.reduce((sum, each) => sum + each, 0),
    people.reduce((sum, each) => sum + each, 0),
    100,
  );
  assert.ok(blend({ words: 2, nearest: 0, author: 1 }) - blend({ words: 1, nearest: 0, author: 1 }) > 3);
  assert.ok(Math.abs(blend({ words: 1, nearest: 1, author: 1 }) - blend({ words: 1, nearest: 0, author: 1 })) < 0.3);
  assert.ok(blend({ words: -100, nearest: 0, author: 1 }) >= 0, "nobody is the fewest");
});

test("without posts the forecast is 0, and no number that is none", () => {
  assert.equal(new Forecaster([]).forecast({ title: "Anything", tags: [], author: null }), 0);
  const one = new Forecaster([{ title: "One", tags: [], author: "ann", people: 4 }]);
  assert.ok(Number.isFinite(one.forecast({ title: "One", tags: [], author: "ann" })));
});

test("titles on what many interact with are forecast more people than others", () => {
  const posts = Array.from({ length: 600 }, (_, i) => ({
    title: i % 2 ? `Trains number${i % 7} in spring` : `Rocks number${i % 7} in spring`,
    tags: [],
    author: `author ${i % 51}`,
    people: i % 2 ? 8 + (i % 3) : 1 + (i % 3),
  }));
  const forecaster = new Forecaster(posts);
  const of = (title: string) => forecaster.forecast({ title, tags: [], author: "author 3" });
  assert.ok(of("Trains in winter") > 6, String(of("Trains in winter")));
  assert.ok(of("Rocks in winter") < 4, String(of("Rocks in winter")));
});
