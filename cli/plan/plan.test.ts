/** The arithmetic of `recsys plan`, held to the measured costs worked out by hand, and what the command says of bad input. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { recsys } from "../testing.ts";
import { computeSizes } from "./compute-sizes.ts";
import {
  carriedBy,
  type Figures,
  indexedPostsOf,
  neededBy,
  planFor,
  withFewerImpressions,
  withReplica,
} from "./plan.ts";
import { carriesTable, unitCostsTable } from "./testing-docs-tables.ts";
import { planText } from "./text.ts";
import { costsOf, measured } from "./unit-costs.ts";

const small: Figures = { users: 10_000, posts: 100_000, eventsPerDay: 50_000, feedsPerSecond: 20 };

test("needs are counts times costs", () => {
  const costs = costsOf(100_000);
  const { processor, memory, disk } = neededBy(small);
  const feeds = 20 * (costs.feed.processor / 1000);
  close(processor.feeds + processor.impressions, feeds);
  close(processor.events, ((3 * 50_000) / 86_400) * ((costs.event.processor + costs.rollUp.processor) / 1000));
  close(memory.index + memory.vectors, (100_000 * costs.vector.bytes) / 1e9);
  close(memory.building, 0.0843);
  // 20 posts of 20 / 3 feeds a second, for 198 days
  close(disk.impressions, ((20 * 20) / 3) * 86_400 * 198 * (costs.impression.bytes / 1e9));
  close(disk.events, 50_000 * 365 * ((costs.event.bytes + costs.rollUp.bytes) / 1e9));
});

test("costs are those measured, and lie between those of the sizes around", () => {
  for (const each of measured) {
    const { feed, training } = costsOf(each.posts);
    close(training.megabytes, each.training.megabytes);
    if (each.indexed === each.posts) close(feed.processor, each.feed.processor);
    // with few of them in the index it costs less
    else assert.ok(feed.processor > each.feed.processor);
  }
  const [low, high] = measured;
  const middle = costsOf(Math.sqrt(low.posts * high.posts));
  close(middle.feed.processor, (low.feed.processor + high.feed.processor) / 2);
  close(
    costsOf((low.posts + high.posts) / 2).training.megabytes,
    (low.training.megabytes + high.training.megabytes) / 2,
  );
  assert.deepEqual(costsOf(1).feed, low.feed, "fewer posts than were measured cost as much");
  const last = measured[measured.length - 1];
  assert.ok(costsOf(100 * last.posts).training.megabytes > last.training.megabytes);
});

test("more of anything never needs less", () => {
  for (const name of Object.keys(small) as (keyof Figures)[]) {
    let before = total(small);
    for (const times of [2, 10, 100, 1000]) {
      const after = total({ ...small, [name]: times * small[name] });
      for (const [i, value] of after.entries())
        assert.ok(value >= before[i], `${name} × ${times}: ${after} after ${before}`);
      before = after;
    }
  }
});

test("the smallest size that carries it is named, and what is fullest", () => {
  const needs = neededBy({ ...small, feedsPerSecond: 1 });
  const { all, smallest } = planFor(needs);
  assert.ok(smallest);
  const place = all.indexOf(smallest);
  assert.ok(all.slice(0, place).every(({ used, first }) => used[first] > 1) && smallest.used[smallest.first] <= 1);
  assert.equal(
    planFor(neededBy({ users: 1e10, posts: 1e10, eventsPerDay: 1e10, feedsPerSecond: 1e6 })).smallest,
    undefined,
  );
  const [micro] = computeSizes;
  const manyPosts = neededBy({ ...small, posts: 5e6, eventsPerDay: 1, feedsPerSecond: 1 });
  const kept = { ...manyPosts, disk: { vectors: 0, events: 0, impressions: 0 } };
  assert.equal(carriedBy(micro, kept).first, "memory");
});

test("a replica takes .63 of what feeds cost, and fewer impressions or posts in the index fit", () => {
  const needs = neededBy(small);
  close(withReplica(needs).processor.feeds, 0.37 * needs.processor.feeds);
  const fewer = withFewerImpressions(needs);
  assert.ok(fewer && fewer.days > 0 && fewer.days < 198);
  const days = (kept: number) => ({
    ...needs,
    disk: { ...needs.disk, impressions: (needs.disk.impressions * kept) / 198 },
  });
  assert.ok(carriedBy(fewer.size, days(fewer.days)).used.disk <= 1);
  assert.ok(carriedBy(fewer.size, days(fewer.days + 1)).used.disk > 1);
  const [micro] = computeSizes;
  const most = indexedPostsOf(micro, needs, small.posts);
  const { indexBytes } = costsOf(small.posts).vector;
  const filled = { ...needs, memory: { ...needs.memory, index: (most * indexBytes) / 1e9 } };
  assert.ok(Math.abs(carriedBy(micro, filled).used.memory - 1) < 0.001);
});

test("the command prints sizes, needs, cures and what is assumed", async () => {
  const { status, stdout, stderr } = await plan("10000", "100000", "50000", "20");
  assert.equal(status, 0, stderr);
  assert.equal(stdout, `${planText(small)}\n`);
  for (const { name } of computeSizes) assert.match(stdout, new RegExp(`^${name} `, "m"));
  for (const what of ["processor", "memory", "disk", "training"])
    assert.match(stdout, new RegExp(`^\\d\\. ${what}`, "m"));
  assert.match(stdout, /replicas\.md[\s\S]*Assumed:\n- a feed costs the database/);
});

test("each wrong or missing figure is one clear line", async () => {
  const good = ["10000", "100000", "50000", "20"];
  const names = ["--users", "--posts", "--events-per-day", "--feeds-per-second"];
  for (const [i, name] of names.entries())
    for (const bad of ["0", "-1", "1e12", "many", "1.5", "", "Infinity"]) {
      const { status, stdout, stderr } = await plan(...good.with(i, bad));
      assert.deepEqual([status, stdout], [1, ""], `${name} ${bad}`);
      assert.match(
        stderr,
        new RegExp(
          `^error: option '${name} <number>' argument '.*' is invalid\\. a whole number from 1 to \\d+ is needed\\.\\n`,
        ),
      );
    }
  const { status, stderr } = await recsys(["plan", "--users", "1"]);
  assert.equal(status, 1);
  assert.match(stderr, /^error: required option '--posts <number>' not specified\n/);
});

test("docs/scaling.md has the figures of the measured file", async () => {
  const page = await readFile(new URL("../../docs/scaling.md", import.meta.url), "utf8");
  for (const table of [unitCostsTable(), carriesTable()]) assert.ok(page.includes(table), `it lacks\n${table}`);
});

function plan(...[users, posts, events, feeds]: string[]) {
  return recsys(["plan", "--users", users, "--posts", posts, "--events-per-day", events, "--feeds-per-second", feeds]);
}

function total(figures: Figures): number[] {
  const { processor, memory, disk, training } = neededBy(figures);
  return [processor, memory, disk, training].map((parts) => Object.values(parts).reduce((a, b) => a + b, 0));
}

function close(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) <= 0.001 * Math.abs(expected), `${actual} is not ${expected}`);
}
