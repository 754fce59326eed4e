/** What can be taken back, and what of several acts is left for the next feed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Act, dismissalOf, marksOf, muteOf, netOf, voteOn, withActs } from "./actions.ts";

const act = (kind: "view" | "vote" | "unvote" | "dismiss" | "undismiss", post_id: string): Act => ({
  ...{ kind, post_id, title: post_id.toUpperCase() },
});
const mute = (kind: "mute" | "unmute", of: "person" | "topic", value: string): Act => ({
  kind,
  of,
  value,
  label: value,
});

test("what was taken back leaves nothing, and what was done twice is said once", () => {
  const rows: [string, Act[], number[]][] = [
    ["nothing", [], []],
    ["a vote taken back", [act("vote", "a"), act("unvote", "a")], []],
    ["a vote cast again", [act("vote", "a"), act("unvote", "a"), act("vote", "a")], [2]],
    ["a vote of before this feed", [act("unvote", "a")], [0]],
    ["that vote, cast again", [act("unvote", "a"), act("vote", "a")], []],
    ["another post's vote", [act("vote", "a"), act("unvote", "b")], [0, 1]],
    ["a vote and a dismissal of one post", [act("vote", "a"), act("dismiss", "a"), act("undismiss", "a")], [0]],
    ["a person and a topic of one name", [mute("mute", "person", "x"), mute("unmute", "topic", "x")], [0, 1]],
    ["a mute taken back", [mute("mute", "topic", "x"), act("vote", "a"), mute("unmute", "topic", "x")], [1]],
    ["a post opened twice", [act("view", "a"), act("vote", "b"), act("view", "a")], [1, 2]],
  ];
  for (const [name, acts, left] of rows)
    assert.deepEqual(
      netOf(acts),
      left.map((i) => acts[i]),
      name,
    );
});

test("a mark is as the latest act left it, and what is not known is neither set nor taken back", () => {
  const marks = withActs(new Map([[voteOn("a"), true]]), [
    act("unvote", "a"),
    act("dismiss", "b"),
    mute("mute", "person", "p"),
    act("view", "c"),
  ]);
  assert.deepEqual(
    [voteOn("a"), dismissalOf("b"), muteOf({ of: "person", value: "p" }), voteOn("c"), voteOn("b")].map((key) =>
      marks.get(key),
    ),
    [false, true, true, undefined, undefined],
  );
});

test("events that wait set the marks that their acts set", () => {
  const id = "i";
  const marks = marksOf([
    { id, type: "vote", post_id: "a", value: 1 },
    { id, type: "vote", post_id: "b", value: 1 },
    { id, type: "vote", post_id: "b", value: 0 },
    { id, type: "dismiss", post_id: "c" },
    { id, type: "view", post_id: "d" },
  ]);
  assert.deepEqual(
    [...marks],
    [
      [voteOn("a"), true],
      [voteOn("b"), false],
      [dismissalOf("c"), true],
    ],
  );
});
