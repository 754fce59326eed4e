/** What moved between two feeds, and what the page says of it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Reason } from "../../client/src/index.ts";
import { type Act, countActs, netOf, sayActs } from "./actions.ts";
import type { AppPost, Item } from "./app-tables.ts";
import { changesBetween } from "./feed-changes.ts";
import { sayWhy } from "./format.ts";

function feed(...ids: string[]): Item[] {
  const why: Reason = { kind: "fresh" };
  return ids.map((id, i) => ({
    ...{
      post_id: id,
      title: id.toUpperCase(),
      score: 1,
      predictions: null,
      source: "fresh",
      why,
      topic: null,
      author_id: null,
      created_at: null,
      tags: [],
      excerpt: "",
      app_id: id,
    },
    ...{ position: i + 1, request_id: "r", basis: "history" },
  }));
}

function posts(...all: Partial<AppPost>[]): Map<string, AppPost> {
  const rest = { title: "", description: "", tags: [], author_id: null, author: "rosa", created_at: "" };
  return new Map(all.map((post) => [post.id as string, { ...rest, ...post } as AppPost]));
}

const names = new Map([
  ["p", "rosa"],
  ["o", "kim"],
]);

const places = (before: string[], after: string[], acts: Act[] = [], known = posts()) =>
  changesBetween(feed(...before), feed(...after), acts, known, names).map(({ post_id, from, to }) => [
    post_id,
    from,
    to,
  ]);

test("what is new, up, down and gone; what kept its place is not said", () => {
  assert.deepEqual(places(["a", "b", "c", "d"], ["a", "c", "b", "e"]), [
    ["c", 3, 2],
    ["b", 2, 3],
    ["e", undefined, 4],
    ["d", 4, undefined],
  ]);
  assert.deepEqual(
    places(["a", "b", "c", "d"], ["e", "b", "d", "c"]),
    [
      ["e", undefined, 1],
      ["d", 4, 3],
      ["c", 3, 4],
      ["a", 1, undefined],
    ],
    "nor what moved on because another left or came",
  );
  assert.deepEqual(places(["a", "b", "c"], ["b", "c"]), [["a", 1, undefined]]);
  assert.deepEqual(
    changesBetween(feed("a", "b", "c", "d"), feed("d", "b", "c"), [], posts(), names).map(({ by }) => by),
    [2, -1, -1, 0],
    "how many it passed, or passed it",
  );
  assert.deepEqual(places(["a"], ["a"]), []);
  assert.deepEqual(places([], []), []);
});

test("a post is gone for what was done with it, the latest of it, or because others come before it", () => {
  const acts: Act[] = [
    { kind: "vote", post_id: "a", title: "A" },
    { kind: "dismiss", post_id: "b", title: "B" },
    { kind: "mute", of: "topic", value: "chess", label: "#chess" },
    { kind: "mute", of: "person", value: "p", label: "rosa" },
    { kind: "vote", post_id: "e", title: "E" },
    { kind: "vote", post_id: "f", title: "F" },
    { kind: "unvote", post_id: "e", title: "E" },
    { kind: "dismiss", post_id: "a", title: "A" },
  ];
  const known = posts({ id: "c", tags: ["chess"] }, { id: "d", author_id: "p" });
  const gone = changesBetween(feed("a", "b", "c", "d", "e", "f"), [], netOf(acts), known, names);
  assert.deepEqual(
    gone.map(({ why }) => why),
    [
      "You dismissed it",
      "You dismissed it",
      "You muted #chess",
      "You muted rosa",
      "Others come before it now",
      "You voted for it, so it is no longer new to you",
    ],
  );
});

test("what was done is said with the latest first, and no longer than a line", () => {
  const vote = (title: string): Act => ({ kind: "vote", post_id: title, title });
  assert.equal(sayActs([]), "");
  assert.equal(sayActs([vote("A")]), "voted for “A”");
  assert.equal(sayActs([vote("A"), { kind: "profile" }]), "changed what you say of yourself and voted for “A”");
  assert.equal(sayActs(["A", "B", "C"].map(vote)), "voted for “C”, voted for “B” and did 1 more thing");
  assert.equal(sayActs(["A", "B", "C", "D"].map(vote)), "voted for “D”, voted for “C” and did 2 more things");
  assert.ok(sayActs([vote("x".repeat(900))]).length < 70);
  const view = (title: string): Act => ({ ...vote(title), kind: "view" }) as Act;
  const twice = [view("A"), view("B"), vote("A"), view("A")];
  assert.equal(sayActs(twice), "opened and voted for “A” and opened “B”", "each post once");
  assert.equal(countActs(twice), 2);
});

test("every reason is a sentence, those of later versions too", () => {
  const say = (why: unknown) => sayWhy(why as Reason, "history", names);
  assert.equal(say({ kind: "followed_author", author_id: "p" }), "By rosa, whose posts you often open");
  assert.equal(say({ kind: "follows_author", author_id: "p" }), "By rosa, whom you follow");
  assert.equal(say({ kind: "follows_topic", topic: "chess" }), "About “chess”, which you follow");
  assert.equal(say({ kind: "followed_author", author_id: "q" }), "By somebody, whose posts you often open");
  assert.equal(
    say({ kind: "shared_terms", terms: ["a", "b", "c"] }),
    "About “a”, “b” and “c”, as in posts that you know",
  );
  assert.equal(
    say({ kind: "like_your_history", title: "متى 3؟" }),
    "Like “\u2068متى 3؟\u2069”, which you know",
    "what is read from right to left keeps its signs",
  );
  assert.equal(say({ kind: "sponsored" }), "Picked for you");
  assert.equal(sayWhy({ kind: "similar" }, "community", names), "Close to what people here care about");
  assert.equal(sayWhy({ kind: "similar" }, "followees", names), "Close to what people you follow care about");
});

test("of those whom one follows the ones are named whose names may be read", () => {
  const say = (...people: string[]) => sayWhy({ kind: "touched", people }, "history", names);
  assert.equal(say("p", "o"), "rosa and kim, whom you follow, were active here");
  assert.equal(say("q", "o"), "kim, whom you follow, was active here");
  assert.equal(say("q"), "People you follow were active here");
  assert.equal(say(), "People you follow were active here");
});
