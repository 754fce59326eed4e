import assert from "node:assert/strict";
import { test } from "node:test";
import { logOdds, nameTopic } from "./name-topic.ts";
import { AllTerms, type NamingPost } from "./term-counts.ts";
import { termsOf } from "./terms.ts";

let authors = 0;
const post = (title: string, more: Partial<NamingPost> = {}): NamingPost => ({
  title,
  description: "",
  tags: [],
  language: null,
  author_id: `author ${authors++}`,
  is_public: true,
  ...more,
});
const posts = (titles: string[], more: Partial<NamingPost> = {}) => titles.map((title) => post(title, more));
const fillers = posts(
  Array.from({ length: 30 }, (_, i) => ["Growing tomatoes", "Chess openings", "Baking bread"][i % 3]),
);

/** Names the first topic among the others. */
function name(
  topic: NamingPost[],
  { others = [fillers], earlier = null as string | null, taken = new Set<string>() } = {},
) {
  const all = new AllTerms();
  const [counted] = [topic, ...others].map((each) => all.count(each));
  return nameTopic(counted, all, earlier, taken);
}

/** Each term, as it is written where that is known. */
function terms(title: string, more: Partial<NamingPost> = {}): string[] {
  const found: string[] = [];
  termsOf(post(title, more), (key, shown) => found.push(shown ?? key));
  return found;
}

test("words, pairs of words and tags are terms; stop words, numbers, letters and what a sign parts are none", () => {
  assert.deepEqual(terms("How do I get a Schengen visa for 90 days?"), [
    "Schengen",
    "visa",
    "Schengen visa",
    "days",
    "90 days",
  ]);
  assert.deepEqual(terms("Rome, Paris: my father's multi-city flight"), [
    "rome",
    "Paris",
    "father",
    "multi",
    "father multi",
    "city",
    "multi city",
    "flight",
    "city flight",
  ]);
  assert.deepEqual(terms("", { tags: ["air-travel", "the", "x", "Zürich"] }), ["air travel", "zurich"]);
  assert.deepEqual(terms("A New York minute"), ["York", "New York", "minute", "York minute"]);
});

test("stop words are those of the post's language", () => {
  assert.deepEqual(terms("Der Garten und die Bienen", { language: "de-AT" }), ["Garten", "Bienen"]);
  assert.deepEqual(terms("Le jardin et les abeilles", { language: "fr" }), ["jardin", "abeilles"]);
  assert.ok(terms("The garden", { language: "xx" }).includes("garden"));
  assert.ok(terms("The garden", { language: "constructor" }).includes("garden"));
});

test("where the language is not known, its script says which words stop, and words need no spaces", () => {
  assert.deepEqual(terms("我想去巴黎旅行，需要签证"), [
    "我想去",
    "巴黎",
    "我想去 巴黎",
    "旅行",
    "巴黎旅行",
    "需要",
    "签证",
    "需要签证",
  ]);
  assert.deepEqual(terms("すぐに東京でラーメンを食べる"), ["すぐ", "東京", "ラーメン", "食べる"]);
  assert.deepEqual(terms("ไปเที่ยวเชียงใหม่"), ["เที่ยว", "เชียงใหม่", "เที่ยวเชียงใหม่"]);
  assert.deepEqual(terms("मैं दिल्ली में और आगरा में"), ["मैं", "दिल्ली", "मैं दिल्ली", "आगरा"]);
  assert.deepEqual(terms("كيف السفر إلى باريس"), ["السفر", "باريس"]);
  assert.deepEqual(terms("", { tags: ["巴黎签证", "O'Hare"] }), ["巴黎 签证", "ohare"]);
});

test("the label of a topic in Chinese is kept as one in English is", () => {
  const topic = posts(["我的巴黎签证过期", "申请巴黎签证", "去巴黎签证很难", "关于巴黎签证"]);
  const first = name(topic);
  assert.match(first.label, /巴黎签证/);
  const kept = name([...topic, ...posts(["我的巴黎机票", "申请巴黎机票"])], { earlier: "巴黎签证" });
  assert.equal(kept.label, "巴黎签证");
});

test("the log-odds ratio by hand", () => {
  // 8 of 10 authors have it here and 2 of 90 elsewhere: the prior is 10 * 10/100 = 1 of 10
  const [here, elsewhere] = [Math.log(9 / 11), Math.log(3 / 97)];
  assert.ok(Math.abs(logOdds(8, 10, 10, 100) - (here - elsewhere) / Math.sqrt(1 / 9 + 1 / 3)) < 1e-12);
  assert.ok(Math.abs(logOdds(5, 50, 10, 100)) < 1e-12, "what stands everywhere as often sets nothing apart");
});

test("a name has what sets posts apart, in the words that most use, phrases where people use them, and no twins", () => {
  const topic = posts([
    "Refused a UK visa",
    "My UK visa expired",
    "Extend my UK visa",
    "Renewing UK visas",
    "Overstayed a UK visa",
    "Late UK visa",
    "UK visas and flights",
    "Paying for a UK visa",
  ]);
  const { label, terms } = name(topic);
  assert.match(label, /^UK visa/);
  assert.ok(!terms.some((term) => /^(uk|visas?)$/i.test(term)), `${terms}`);
  assert.equal(new Set(terms.map((term) => term.toLowerCase())).size, terms.length);
});

test("who writes a phrase a thousand times names nothing by it", () => {
  const spam = posts(
    Array.from({ length: 1000 }, () => "Cheap watches"),
    { author_id: "spammer" },
  );
  const { terms } = name([...spam, ...posts(["Fly fishing", "Fishing rods", "River fishing", "Fishing at night"])]);
  assert.deepEqual(terms, ["fishing"]);
});

test("one author's community is named by what they say, and a topic without words has no name", () => {
  const own = { author_id: "only" };
  const { label } = name(posts(["Fly fishing", "Fishing rods"], own), { others: [] });
  assert.match(label, /^fishing/, "nothing else is there that it could be set apart from");
  assert.deepEqual(name(posts(["", "???", "the"])), { label: "", terms: [], isPublic: true });
  assert.deepEqual(name([]), { label: "", terms: [], isPublic: true });
});

test("visitors are told a name only where several authors use each of its words in posts that visitors may read", () => {
  const titles = ["Fly fishing", "Fishing rods", "River fishing", "Fishing at night"];
  assert.equal(name(posts(titles)).isPublic, true);
  assert.equal(name(posts(titles, { is_public: false })).isPublic, false);
  assert.equal(name([...posts(titles.slice(0, 2), { is_public: false }), ...posts(titles.slice(2))]).isPublic, false);
});

test("a label is kept while all of it still sets the posts apart, whatever is stronger now", () => {
  const topic = posts([
    "Fishing boats",
    "Fishing boats",
    "Fishing boats",
    "Fishing in rivers",
    "Rivers",
    "Rivers and fishing",
    "Rivers",
  ]);
  assert.equal(name(topic, { earlier: "rivers, fishing" }).label, "rivers, fishing");
  assert.notEqual(name(topic, { earlier: "rivers, lakes" }).label, "rivers, lakes");
  assert.notEqual(name(topic, { earlier: "chess" }).label, "chess");
  assert.notEqual(
    name(topic, { earlier: "rivers, fishing", taken: new Set(["rivers, fishing"]) }).label,
    "rivers, fishing",
  );
});

test("two topics that would have one name differ by the next words", () => {
  const titles = [
    "alpha beta",
    "gamma delta",
    "alpha gamma",
    "beta delta",
    "alpha delta",
    "gamma beta",
    "delta gamma",
    "beta alpha",
    "alpha",
    "beta",
    "gamma",
    "delta",
  ];
  const first = name(posts([...titles, ...titles])).label;
  const second = name(posts([...titles, ...titles]), { taken: new Set([first]) }).label;
  assert.notEqual(second, first);
  assert.ok(second.startsWith(first), second);
});
