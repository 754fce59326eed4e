import assert from "node:assert/strict";
import { test } from "node:test";
import { sharedTerms, textMatches } from "./text-match.ts";

const post = (title: string, ...tags: string[]) => ({ title, tags });
const close = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 1e-9, `${actual} is not ${expected}`);

test("no history, no match", () => {
  assert.deepEqual([...textMatches([], [post("Visa for Japan")])], [0]);
});

test("the cosine by hand: rare words count, a word of every candidate does not", () => {
  const candidates = [post("the visa"), post("the train"), post("the visa bus")];
  // idf of 3 candidates: the ln(4/4) = 0, visa ln(4/3), train and bus ln(4/2)
  const [visa, bus] = [Math.log(4 / 3), Math.log(2)];
  const matches = textMatches([post("The VISA")], candidates);
  close(matches[0], 1);
  close(matches[1], 0);
  close(matches[2], visa / Math.hypot(visa, bus));
});

test("what was read last weighs more, and tags are words too", () => {
  const [train, visa] = textMatches([post("", "train"), post("visa")], [post("train"), post("visa"), post("bus")]);
  assert.ok(train > visa && visa > 0, `${train} and ${visa}`);
});

test("posts without words, in the history or among the candidates, match nothing", () => {
  assert.deepEqual([...textMatches([post("?")], [post("!"), post("train")])], [0, 0]);
});

test("the shared words, those first that add most to the match, at most three", () => {
  const candidates = [
    post("Visa for a tram in Japan", "tram"),
    post("train"),
    ...Array.from({ length: 58 }, (_, i) => post(`for ${i % 2 ? "bus" : "boat"}`)),
  ];
  const history = [post("tram and visa"), post("Japan, visa"), post("for train")];
  assert.deepEqual(sharedTerms(history, candidates, candidates.slice(0, 3)), [
    // two posts of the history have visa; "and", in no candidate, takes more weight of the latest; all have "for"
    ["visa", "japan", "tram"],
    ["train"],
    [],
  ]);
  assert.deepEqual(sharedTerms([], candidates, candidates.slice(0, 2)), [[], []]);
  const matches = textMatches(history, candidates);
  assert.deepEqual(textMatches(history, candidates), matches, "nothing is left behind");
});

test("a candidate with far more words than others changes no match of theirs", () => {
  const others = [
    "Visa for Japan",
    "Trains in Japan",
    "Tram or bus",
    "A bus to Rome",
    "Visa on arrival",
    "Rome by train",
  ].map((title) => post(title));
  const history = [post("Visa for Rome"), post("Night bus")];
  const more = Array.from({ length: 60 }, (_, i) => `word${i}`).join(" ");
  const most = post(`${others.map(({ title }) => title).join(" ")} ${more}`, "visa", "rome");
  const matches = textMatches(history, [...others, most]);
  assert.deepEqual(matches.slice(0, -1), textMatches(history, [...others, post("Ticket")]).slice(0, -1));
  assert.ok(matches[6] > 0 && matches[6] < 1, `it matches by its own words: ${matches[6]}`);
  // and no state is left behind
  assert.deepEqual(textMatches(history, [...others, most]), matches);
});
