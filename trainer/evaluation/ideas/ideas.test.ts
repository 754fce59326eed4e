/** The protocol of ideas: audiences by hand, metrics by hand, and no forecaster that is told what comes after. */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, test } from "node:test";
import { startBackend } from "../../models/nn/backend.ts";
import { hour, smallCommunity } from "../testing.ts";
import { evaluateIdeas } from "./evaluate-ideas.ts";
import { type AudienceForecaster, audiencesOf, bestTenth, runForecasts, spearman } from "./forecast-protocol.ts";
import { authorMeanForecaster } from "./text-forecasters.ts";

const week = 168;

before(() => startBackend("js"));

test("an audience is distinct others within seven days", () => {
  const community = smallCommunity(
    4,
    [
      [0, 10],
      [-1, 20],
    ],
    [
      [0, 0, 11],
      [1, 0, 12],
      [1, 0, 13],
      [2, 0, 10 + week],
      [3, 0, 11 + week],
      [0, 1, 25],
    ],
  );
  assert.deepEqual([...audiencesOf(community)], [2, 1]);
});

test("Spearman's correlation, by hand, with ties", () => {
  assert.equal(spearman([1, 2, 3], [10, 20, 30]), 1);
  assert.equal(spearman([1, 2, 3], [3, 2, 1]), -1);
  // ranks 0, 1.5, 1.5, 3 and 0, 1, 2, 3: covariance 4.5, variances 4.5 and 5
  assert.ok(Math.abs(spearman([1, 2, 2, 9], [1, 2, 3, 4]) - 4.5 / Math.sqrt(4.5 * 5)) < 1e-12);
  assert.ok(Number.isNaN(spearman([1, 1], [1, 2])));
});

test("the best tenth is the tenth that was forecast highest, rounded up", () => {
  const people = Array.from({ length: 20 }, (_, i) => i);
  assert.equal(bestTenth(people, people), 18.5 / 9.5);
  assert.equal(bestTenth([3, 2, 1], [6, 3, 0]), 2);
});

test("a forecaster learns of a post when its week is over, and never of what comes", async () => {
  const posts = Array.from({ length: 40 }, (_, i): [number, number, string] => [i % 3, i * 24, `Post ${i}`]);
  const acts = posts.flatMap(([author, at], i): [number, number, number][] =>
    Array.from({ length: 1 + (i % 5) }, (_, k): [number, number, number] => [3 + k, i, at + 1 + k]).filter(
      ([user]) => user !== author,
    ),
  );
  acts.sort((a, b) => a[2] - b[2]);
  const community = smallCommunity(10, posts, acts);
  const testFrom = 20 * 24 * hour;
  let now = testFrom;
  const told: number[] = [];
  const watching: AudienceForecaster = {
    name: "watching",
    train(known, until, at) {
      assert.equal(at, testFrom);
      assert.equal(until.posts.ids.length, 20);
      told.push(...known.map(({ post }) => post));
      assert.deepEqual(
        told,
        Array.from({ length: 14 }, (_, i) => i),
      );
    },
    add({ post, people }) {
      assert.equal(people, 1 + (post % 5));
      told.push(post);
    },
    forecast({ post }) {
      now = community.posts.createdAt[post];
      assert.equal(told.at(-1), told.length - 1);
      assert.ok(community.posts.createdAt[told.length - 1] + week * hour <= now);
      assert.ok(community.posts.createdAt[told.length] + week * hour > now);
      return 1 + (post % 5);
    },
  };
  const { posts: tested, people, results } = await runForecasts(community, testFrom, [watching]);
  assert.equal(tested.length, 20);
  assert.deepEqual([people[0], results[0].spearman], [1, 1]);
});

test("the author's mean is that, and of all for a stranger", () => {
  const mean = authorMeanForecaster();
  const post = { post: 0, title: "", tags: [] };
  assert.equal(mean.forecast({ ...post, author: 1 }), 0);
  mean.train([
    { title: "", tags: [], author: 1, people: 4 },
    { title: "", tags: [], author: 2, people: 1 },
  ]);
  mean.add({ title: "", tags: [], author: 1, people: 2 });
  mean.add({ title: "", tags: [], author: null, people: 5 });
  assert.deepEqual(
    [1, 2, 3, null].map((author) => mean.forecast({ ...post, author })),
    [3, 1, 3, 3],
  );
});

test("the whole of it: a table, forecasts that anybody can recompute, and figures for each seed", async () => {
  const folder = await mkdtemp(join(tmpdir(), "ideas-"));
  const posts = Array.from({ length: 120 }, (_, i): [number, number, string] => [
    i % 6,
    i * 12,
    `${["Trains", "Rocks", "Herbs"][i % 3]} of town ${i % 11}`,
  ]);
  const acts = posts.flatMap(([author, at], i): [number, number, number][] =>
    Array.from({ length: i % 3 === 0 ? 6 : 2 }, (_, k): [number, number, number] => [
      (author + 1 + k) % 20,
      i,
      at + 1 + k,
    ]),
  );
  acts.sort((a, b) => a[2] - b[2]);
  const community = smallCommunity(20, posts, acts);
  const testFrom = 90 * 12 * hour;
  const text = await evaluateIdeas(community, { testFrom, seeds: [1, 2], out: folder }, {});
  for (const name of ["ideas", "author's mean", "100 nearest titles", "ridge on words", "post tower", "both towers"])
    assert.match(text, new RegExp(name));
  assert.match(text, /seed 2: posts of the \d+ needed of \d+ topics got/);
  const lines = (await readFile(join(folder, "forecasts.ndjson"), "utf8")).trim().split("\n");
  const forecasts = lines.map((line) => JSON.parse(line));
  assert.equal(forecasts.length, 30);
  assert.deepEqual(Object.keys(forecasts[0]), ["post_id", "forecast", "people"]);
  assert.deepEqual([forecasts[0].post_id, forecasts[0].people], ["post 90", 6]);
  const { forecasters } = JSON.parse(await readFile(join(folder, "metrics.json"), "utf8"));
  const again = spearman(
    forecasts.map(({ forecast }) => forecast),
    forecasts.map(({ people }) => people),
  );
  assert.equal(forecasters[0].spearman[0], again);
  assert.ok(again > 0.6, String(again));
  assert.equal(forecasters.at(-1).spearman.length, 2);
  await assert.rejects(evaluateIdeas(community, { testFrom: 1e9 * hour, seeds: [1] }, {}), /nothing was written/);
  await rm(folder, { recursive: true });
});
