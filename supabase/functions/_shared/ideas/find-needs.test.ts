import assert from "node:assert/strict";
import { test } from "node:test";
import { findNeeds } from "./find-needs.ts";
import type { IdeaPost, IdeaTopic } from "./read-idea-source.ts";

const day = 86_400_000;
const now = 100 * day;

/** A post that is `age` days old, with this many people and commenters. */
const post = (id: string, topicId: number | null, age: number, people = 1, commenters = 1): IdeaPost => ({
  ...{ id, topicId, people, commenters, title: id, text: "", tags: [], author: null, viewers: people, voters: 0 },
  createdAt: now - age * day,
  isSettled: age >= 7,
  isOfNewcomer: false,
  components: null,
});
const topic = (id: number, demand: number, supply: number): IdeaTopic => ({
  ...{ id, demand, supply, label: `topic ${id}`, terms: [], people: null, centroid: [] },
});
const many = (count: number, topicId: number, commenters = 1) =>
  Array.from({ length: count }, (_, n) => post(`${topicId}/${commenters}/${n}`, topicId, 10 + n / 10, n, commenters));
const found = (posts: IdeaPost[], topics: IdeaTopic[]) =>
  findNeeds(posts, topics, now).map(({ kind, topic, posts }) => [kind, topic?.id ?? null, posts.map(({ id }) => id)]);

test("what waits for a comment for two days, the most visited first, and what has one does not", () => {
  const posts = [
    ...many(10, 1),
    post("few", null, 5, 20, 0),
    post("many", null, 3, 90, 0),
    post("older", null, 6, 20, 0),
    post("fourth", null, 6, 10, 0),
    post("yesterday", null, 1, 990, 0),
  ];
  assert.deepEqual(found(posts, []), [["unanswered", null, ["many", "older", "few"]]]);
});

test("nine accounts bring no title before others; the tenth does", () => {
  const others = [post("first", null, 9, 0, 0), post("second", null, 8, 1, 0), post("third", null, 7, 3, 0)];
  const named = (people: number) =>
    found([...many(10, 1), ...others, post("pushed", null, 3, people, 0)], []).map(([, , posts]) => posts);
  assert.deepEqual(named(9), [["first", "second", "third"]]);
  assert.deepEqual(named(10), [["pushed", "first", "second"]]);
});

test("posts of newcomers neither are named nor make a topic needed, however many come", () => {
  const ofNewcomer = (each: IdeaPost): IdeaPost => ({ ...each, isOfNewcomer: true });
  const asked = many(6, 2, 0);
  const read = [post("own", 3, 10, 20), ofNewcomer(post("tried", 3, 10, 900))];
  const topics = [topic(1, 1, 1), topic(2, 1, 1), topic(3, 9, 1)];
  const [waits, often, ...rest] = found([...many(20, 1), ...asked, ...read], topics);
  assert.deepEqual(
    [waits[0], often.slice(0, 2), rest],
    ["unanswered", ["often_unanswered", 2], [["high_demand", 3, ["own"]]]],
  );
  assert.deepEqual(found([...many(20, 1), ...asked.map(ofNewcomer), ...read], topics), rest);
  assert.deepEqual(found(read.slice(1), topics), []);
});

test("where nobody comments, that there is no comment says nothing", () => {
  assert.deepEqual(found(many(20, 1, 0), [topic(1, 1, 1)]), []);
});

test("a topic whose questions stay open more often than others'", () => {
  const posts = [...many(20, 1), ...many(3, 2), ...many(4, 2, 0), ...many(2, 3, 0)];
  const topics = [topic(1, 1, 1), topic(2, 1, 1), topic(3, 1, 1)];
  assert.deepEqual(found(posts, topics).slice(1), [["often_unanswered", 2, ["2/0/3", "2/0/2", "2/0/1"]]]);
});

test("a topic that has more of all readers than of all posts", () => {
  const topics = [topic(1, 30, 1), topic(2, 5, 2), topic(3, 5, 2), topic(4, 30, 1)];
  // the last topic has no recent posts as evidence
  assert.deepEqual(found([...many(4, 1), ...many(9, 2), ...many(9, 3)], topics), [
    ["high_demand", 1, ["1/1/3", "1/1/2", "1/1/1"]],
  ]);
});

test("a community without posts needs nothing that can be said", () => {
  assert.deepEqual(found([], []), []);
  assert.deepEqual(found([], [topic(1, 0, 0)]), []);
});
