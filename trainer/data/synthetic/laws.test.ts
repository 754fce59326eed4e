import assert from "node:assert/strict";
import { test } from "node:test";
import { dayLength } from "./calendar.ts";
import { createFollows } from "./follows.ts";
import { profileOf } from "./people.ts";
import { affinity } from "./taste.ts";
import { facets, topicOf } from "./topics.ts";
import { World } from "./world.ts";
import { postRecordOf } from "./writings.ts";

/*
 * What the laws of taste.ts must have left in the data, measured on what happened, not on the laws.
 */

const seed = 11;
const days = 60;
const { people, writings, simulation } = new World(seed, { users: 500, posts: 1200, days });

/** An impression, and what came of it. */
interface Shown {
  user: number;
  post: number;
  at: number;
  position: number;
  viewed: boolean;
  voted: boolean;
}

const shown: Shown[] = [];
const latest = new Map<string, Shown>();
for (let day = 0; day < days; day++) {
  for (const happening of simulation.nextDay()) {
    if (happening.what === "impressions") {
      for (const [i, post] of happening.posts.entries()) {
        const { user, at } = happening;
        const impression = { user, post, at, position: i + 1, viewed: false, voted: false };
        shown.push(impression);
        latest.set(`${user} ${post}`, impression);
      }
    } else if (happening.what === "view" || happening.what === "vote") {
      const impression = latest.get(`${happening.user} ${happening.post}`);
      assert.ok(impression, "nothing is seen that was not shown");
      impression[happening.what === "view" ? "viewed" : "voted"] = true;
    }
  }
}

const isTheirs = ({ user, post }: Shown) => affinity(people[user], writings[post]) > 0.6;
const ageInDays = ({ post, at }: Shown) => (at - writings[post].createdAt) / dayLength;

/** The share of impressions for which something holds. */
function rate(impressions: Shown[], holds: (impression: Shown) => boolean): number {
  assert.ok(impressions.length > 300, `only ${impressions.length} impressions to judge from`);
  return impressions.filter(holds).length / impressions.length;
}

test("people open what is to their taste, and vote for it once it is open", () => {
  const theirs = shown.filter(isTheirs);
  const others = shown.filter((impression) => !isTheirs(impression));
  assert.ok(rate(theirs, ({ viewed }) => viewed) > 3 * rate(others, ({ viewed }) => viewed));
  const opened = (impressions: Shown[]) => impressions.filter(({ viewed }) => viewed);
  const votes = [theirs, others].map((impressions) => rate(opened(impressions), ({ voted }) => voted));
  assert.ok(votes[0] > 1.5 * votes[1], `${votes[0]} of theirs, ${votes[1]} of others`);
});

test("the first of the posts shown is opened more than the last, whatever they are", () => {
  const at = (position: number) =>
    rate(
      shown.filter((impression) => impression.position === position),
      ({ viewed }) => viewed,
    );
  assert.ok(at(1) > 2 * at(10), `${at(1)} at the top, ${at(10)} at the end`);
  assert.ok(at(1) > at(3) && at(3) > at(10));
});

test("fresh posts are opened more than old ones of the same taste", () => {
  const theirs = shown.filter(isTheirs);
  const fresh = rate(
    theirs.filter((impression) => ageInDays(impression) < 2),
    ({ viewed }) => viewed,
  );
  const old = rate(
    theirs.filter((impression) => ageInDays(impression) > 14),
    ({ viewed }) => viewed,
  );
  assert.ok(fresh > 1.2 * old, `${fresh} of the fresh, ${old} of the old`);
});

test("some posts are much more popular than others, and quality has to do with it", () => {
  const votes = new Float64Array(writings.length);
  for (const { post, voted } of shown) votes[post] += Number(voted);
  const sorted = votes.toSorted().reverse();
  const total = sorted.reduce((sum, count) => sum + count, 0);
  const top = sorted.subarray(0, writings.length / 10).reduce((sum, count) => sum + count, 0);
  assert.ok(top > 0.3 * total, `the top tenth has ${top} of ${total} votes`);
  const mean = (good: boolean) => {
    const posts = [...writings.keys()].filter((post) => writings[post].quality > 0 === good);
    return posts.reduce((sum, post) => sum + votes[post], 0) / posts.length;
  };
  assert.ok(mean(true) > 1.5 * mean(false));
});

test("what a profile says, its owner votes for", () => {
  const facetOfPhrase = new Map(facets.flatMap(({ passions }, facet) => passions.map((phrase) => [phrase, facet])));
  let [hits, votes, expected] = [0, 0, 0];
  const share = new Float64Array(facets.length);
  for (const { facet } of writings) share[facet] += 1 / writings.length;
  const said = people.map(
    (person) => new Set(profileOf(seed, person).passions.map((phrase) => facetOfPhrase.get(phrase))),
  );
  for (const { user, post, voted } of shown) {
    if (!voted || said[user].size === 0) continue;
    votes++;
    hits += Number(said[user].has(writings[post].facet));
    for (const facet of said[user]) expected += share[facet ?? -1];
  }
  assert.ok(hits > 6 * expected, `${hits} of ${votes} votes are for what the profile says, ${expected} by chance`);
});

test("posts say what they are about, in words of their facet", () => {
  for (const writing of writings) {
    const { title, description, tags } = postRecordOf(seed, writing, people[writing.author]);
    const text = `${title} ${description}`.toLowerCase();
    const { terms, projects } = facets[writing.facet];
    assert.ok(
      [...terms, ...projects].some((words) => text.includes(words.toLowerCase())),
      text,
    );
    assert.doesNotMatch(text, /[{}]|undefined/);
    assert.ok(tags.length > 0 && title.length < 120 && description.length > 40);
  }
});

test("people follow those of their taste, some whoever it is, and a few are followed by many", () => {
  const follows = createFollows(seed, people);
  const alike = (a: number, b: number) =>
    people[a].passions.some((passion) => people[b].passions.some((other) => topicOf[passion] === topicOf[other]));
  const shareAlike = (pairs: [number, number][]) => pairs.filter(([a, b]) => alike(a, b)).length / pairs.length;
  const followed = shareAlike(follows.map(({ user, target }) => [user, target]));
  const anybody = shareAlike(people.map((_, user) => [user, (user + 1) % people.length]));
  assert.ok(
    followed > 1.5 * anybody && followed < 0.85,
    `${followed} of the followed share a topic, ${anybody} of all`,
  );
  const followers = new Float64Array(people.length);
  for (const { target } of follows) followers[target]++;
  followers.sort().reverse();
  const top = followers.subarray(0, people.length / 100).reduce((sum, count) => sum + count, 0);
  assert.ok(top > 0.08 * follows.length, `the top hundredth has ${top} of ${follows.length} followers`);
  const perPerson = follows.length / people.length;
  assert.ok(perPerson > 3 && perPerson < 6, `${perPerson} follows a person`);
});
