import assert from "node:assert/strict";
import { test } from "node:test";
import { stream } from "../../../../../trainer/data/synthetic/draws.ts";
import { sourceNames } from "../../features/retrieval.ts";
import { drawProbabilities } from "../../recommend/selection/candidate-pool.ts";
import { type Exploration, explorationFiller } from "../../recommend/selection/exploration.ts";
import { selectPage } from "../../recommend/selection/select-page.ts";
import type { Selectable } from "../../recommend/selection/selectable.ts";
import { type RandomizationPolicy, randomizedPositions, sampleIndex, secureUniform } from "./randomized-positions.ts";

const plain = { diversity: 0, author_decay: 1, topic_share: 1, group_share: 1 };
const nowhere = Object.fromEntries(sourceNames.map((source) => [source, null])) as Selectable["post"]["ranks"];

function candidate(post_id: string, score: number, author_id: string | null = null): Selectable {
  const ranks = { ...nowhere };
  return {
    score,
    post: { post_id, title: post_id, author_id, created_at: 0, embedding: null, ranks },
  };
}

/** With `random` seeded. */
function draw(share: number, temperature: number, purpose: string): RandomizationPolicy {
  const random = stream(1, purpose);
  return { share, temperature, random: () => random.uniform() };
}

function near(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) < 1e-12, `${actual}, not ${expected}`);
}

test("a chance is in proportion to score^(1/temperature)", () => {
  const [scores, none] = [[0.4, 0.1, 0.2], Number.NEGATIVE_INFINITY];
  const values = Float64Array.from([...scores.map(Math.log), none]);
  for (const temperature of [0.05, 0.5, 1, 2]) {
    const powers = scores.map((each) => each ** (1 / temperature));
    const sum = powers.reduce((total, each) => total + each);
    const each = drawProbabilities(values, temperature) ?? assert.fail();
    for (const [i, power] of powers.entries()) near(each[i], power / sum);
    assert.equal(each[3], 0, "what is taken is not drawn");
  }
});

test("scores whose powers no number holds are drawn all the same, and where nothing is worth anything nothing is", () => {
  const tiny = drawProbabilities(Float64Array.of(-5000, -5000, -9000), 0.05) ?? assert.fail();
  assert.deepEqual([...tiny], [0.5, 0.5, 0]);
  assert.equal(drawProbabilities(Float64Array.of(Number.NEGATIVE_INFINITY), 1), null);
  assert.equal(drawProbabilities(new Float64Array(0), 1), null);
  const page = selectPage([candidate("b", 0), candidate("a", 0)], 2, plain, 0, [
    randomizedPositions(draw(1, 1, "worthless")),
  ]);
  assert.deepEqual(
    page.map(({ chosen, drawn, propensity }) => [chosen.post.post_id, drawn, propensity]),
    [
      ["a", false, 1],
      ["b", false, 1],
    ],
  );
});

test("a number draws the one whose part of the line it lies in, the last one where rounding leaves a rest", () => {
  const each = Float64Array.of(0.25, 0, 0.5, 0.25, 0);
  assert.deepEqual(
    [0, 0.24, 0.25, 0.74, 0.75, 0.999].map((uniform) => sampleIndex(each, uniform)),
    [0, 0, 2, 2, 3, 3],
  );
  assert.equal(sampleIndex(Float64Array.of(0.1, 0.2, 0), 0.99), 1);
});

test("off, a page asks for no chance at all; where its share is 0 neither", () => {
  const random = () => assert.fail("asked");
  const posts = [candidate("a", 0.2), candidate("b", 0.5)];
  for (const page of [
    selectPage([...posts], 2, plain),
    selectPage([...posts], 2, plain, 0, [randomizedPositions({ share: 0, temperature: 1, random })]),
  ])
    assert.deepEqual(
      page.map(({ chosen, drawn, propensity }) => [chosen.post.post_id, drawn, propensity]),
      [
        ["b", false, 1],
        ["a", false, 1],
      ],
    );
});

test("as many places are drawn as the share says, the first as often as any other", () => {
  const posts = Array.from({ length: 40 }, (_, i) => candidate(String(i), 1 / (i + 1)));
  const counted = draw(0.3, 0.5, "coins");
  const drawn = Array.from({ length: 5 }, () => 0);
  const pages = 4000;
  for (let i = 0; i < pages; i++)
    for (const [place, each] of selectPage([...posts], 5, plain, 0, [randomizedPositions(counted)]).entries())
      drawn[place] += Number(each.drawn);
  // 4 standard errors
  for (const number of drawn)
    assert.ok(Math.abs(number / pages - 0.3) < 4 * Math.sqrt((0.3 * 0.7) / pages), `${drawn}`);
});

test("pages come as often as the product of their logged chances says, with penalties and among undrawn places", () => {
  const posts = [
    candidate("a", 0.4, "ann"),
    candidate("b", 0.3, "ann"),
    candidate("c", 0.25, "bob"),
    candidate("d", 0.1, "bob"),
  ];
  const settings = { ...plain, author_decay: 0.5 };
  const counted = draw(0.7, 0.8, "pages");
  const pages = 60_000;
  const seen = new Map<string, { times: number; chance: number }>();
  for (let i = 0; i < pages; i++) {
    const page = selectPage([...posts], 3, settings, 0, [randomizedPositions(counted)]);
    const name = page.map(({ chosen, drawn }) => chosen.post.post_id + (drawn ? "?" : "")).join(" ");
    // of the coin and, where it fell so, of the draw
    const chance = page.reduce(
      (product, { drawn, propensity }) => product * (drawn ? 0.7 : 0.3) * (propensity ?? 0),
      1,
    );
    const known = seen.get(name) ?? { times: 0, chance };
    near(chance, known.chance);
    known.times++;
    seen.set(name, known);
  }
  const all = [...seen.values()];
  near(
    all.reduce((sum, { chance }) => sum + chance, 0),
    1,
  );
  const statistic = all.reduce((sum, { times, chance }) => sum + (times - pages * chance) ** 2 / (pages * chance), 0);
  // each place: one of those left, or the best undrawn; chi-square with 59 degrees of freedom is above 98.3 once in 1,000 times
  assert.equal(all.length, (4 + 1) * (3 + 1) * (2 + 1));
  assert.ok(statistic < 98.3, `${statistic}`);
  // by hand: below a, b is worth half, and so is d below c
  const part = (...scores: number[]) =>
    scores[0] ** (1 / 0.8) / scores.reduce((sum, each) => sum + each ** (1 / 0.8), 0);
  const byHand = 0.7 ** 3 * part(0.4, 0.3, 0.25, 0.1) * part(0.25, 0.15, 0.1) * part(0.15, 0.05);
  near((seen.get("a? c? b?") ?? assert.fail()).chance, byHand);
});

test("a place of exploration is not drawn, and its chance is not known", () => {
  const [a, b, fresh] = [candidate("a", 0.5), candidate("b", 0.4), candidate("new", 0.01)];
  // whatever is left at the second place, the new one is under trial
  const explore: Exploration = { place: 2, draw: (left) => left.find(({ post }) => post === fresh.post) };
  // drawn so narrowly that the new one does not get the first place
  const page = selectPage([a, b, fresh], 2, plain, 0, [
    explorationFiller(explore),
    randomizedPositions(draw(1, 0.05, "explored")),
  ]);
  assert.deepEqual(
    page.map(({ explored, drawn, propensity }) => [explored, drawn, propensity === null]),
    [
      [false, true, false],
      [true, false, true],
    ],
  );
});

test("what nobody can foresee is uniform from 0 to below 1", () => {
  const bins = new Float64Array(100);
  const number = 100_000;
  for (let i = 0; i < number; i++) {
    const uniform = secureUniform();
    assert.ok(uniform >= 0 && uniform < 1);
    bins[Math.floor(uniform * 100)]++;
  }
  const statistic = bins.reduce((sum, count) => sum + (count - number / 100) ** 2 / (number / 100), 0);
  // with 99 degrees of freedom it is above 190 once in ten million times
  assert.ok(statistic < 190, `${statistic}`);
});
