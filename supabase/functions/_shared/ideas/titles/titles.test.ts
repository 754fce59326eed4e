/**
 * New titles combine what several users wrote, never copy a title, and contain nothing that a single user could plant.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { vectorWidth } from "../../features/text-vector.ts";
import { distinctWordsOf, TitleIndex } from "../forecast/title-index.ts";
import { Coherence } from "./coherence.ts";
import { DistinctAuthorCounts } from "./distinct-authors.ts";
import { isNew, nearestAllowed, newTitles } from "./new-titles.ts";
import { Phrasebook, type TitledPost } from "./phrasebook.ts";
import { TermVectors } from "./term-vectors.ts";
import { isPlain, partsOf, titleOfParts } from "./title-words.ts";

const places = ["Lima", "Oslo", "Rome", "Kyoto", "Quito", "Cairo", "Perth"];
const forms = [
  "How safe is it to walk in _ at night?",
  "Where to eat in _ on a Sunday?",
  "What to see in _ in one day?",
  "Is it loud in _ at noon?",
];

/** Each form with each place, except those left out; by authors 0 to 6, with more people for the first form. */
function corpus(leftOut: string[] = []): TitledPost[] {
  return forms.flatMap((form, f) =>
    places.flatMap((place, p) => {
      const title = form.replace("_", place);
      return leftOut.includes(title) ? [] : [{ title, author: (p + f) % places.length, people: f === 0 ? 9 : 1 }];
    }),
  );
}

function titlesFrom(posts: TitledPost[], terms: string[] = []): string[] {
  const book = new Phrasebook(posts, new Set(terms));
  const contexts = posts.map(({ title }) => ({ terms: book.subjectsOf(title), tags: [], topicId: null }));
  return [...newTitles(book, new Coherence(book, contexts))].map(({ title }) => title);
}

test("a title that is missing among its like is what comes", () => {
  const missing = "How safe is it to walk in Kyoto at night?";
  const posts = corpus([missing]);
  const titles = new TitleIndex(
    posts.map(({ title }) => distinctWordsOf({ title, tags: [] })),
    1,
  );
  for (const { title } of posts) titles.add(distinctWordsOf({ title, tags: [] }));
  const found = new Set(titlesFrom(posts).filter((title) => isNew(title, titles)));
  assert.deepEqual([...found], [missing]);
});

test("in a language without spaces and capital letters too, of what topics are about", () => {
  const places = ["巴黎", "北京", "东京", "伦敦", "上海", "香港", "台湾"];
  const forms = ["晚上在_散步安全吗？", "星期天在_哪里吃饭？", "一天在_看什么？", "中午在_散步很吵吗？"];
  const missing = "晚上在东京散步安全吗？";
  const posts = forms
    .flatMap((form, f) =>
      places.map((place, p) => ({ title: form.replace("_", place), author: (p + f) % 7, people: f === 0 ? 9 : 1 })),
    )
    .filter(({ title }) => title !== missing);
  assert.deepEqual([...new Set(titlesFrom(posts, places))], [missing]);
});

/**
 * 360 titles about twelve hobbies of six terms; half of them have two terms, and a
 * third of these are about two hobbies.
 */
function hobbies() {
  const termsOf = (hobby: number) =>
    ["oils", "knots", "pegs", "files", "reeds", "dyes"].map((kind) => `${"abcdefghijkl"[hobby]}${kind}`);
  const pairs = Array.from({ length: 12 * 6 * 5 }, (_, n) => [Math.floor(n / 30), Math.floor((n % 30) / 5), n % 5]);
  const posts = pairs.map(([hobby, first, second], n) => {
    const one = termsOf(hobby)[first];
    const two = termsOf(n % 3 === 0 ? (hobby + 5) % 12 : hobby)[second < first ? second : second + 1];
    const titles = [
      `My notes on ${one} and ${two}`,
      `How do you clean ${one}?`,
      `Are ${one} worth the money?`,
      `What nobody says about ${one} and ${two}`,
    ];
    const title = titles[(hobby + first + second) % 4];
    return { title, author: (first + second) % 9, people: n % 2 ? 9 : 1, tags: [`hobby ${hobby}`], topicId: null };
  });
  const book = new Phrasebook(posts, new Set(Array.from({ length: 12 }, (_, hobby) => termsOf(hobby)).flat()));
  const contexts = posts.map(({ title, ...post }) => ({ ...post, terms: book.subjectsOf(title) }));
  /** Distance between the hobbies of a title's terms. */
  const distanceIn = (title: string) => {
    const numbers = book.subjectsOf(title).map((term) => "abcdefghijkl".indexOf(term[0]));
    return Math.max(...numbers) - Math.min(...numbers);
  };
  return { posts: contexts, book, distanceIn };
}

test("terms of one title belong together as those of real titles do", () => {
  const { posts, book, distanceIn } = hobbies();
  const coherence = new Coherence(book, posts);
  const of = (title: string) => coherence.isCoherent(title);
  assert.deepEqual(
    [
      "My notes on aoils and aknots",
      "My notes on aoils and dknots",
      "Aoils, aknots or areeds?",
      "Aoils, aknots or dreeds?",
    ].map(of),
    [true, false, true, false],
  );
  assert.ok(of("How do you clean aoils?") && of("Nothing of that"), "one term alone, or none");
  const made = [...newTitles(book, coherence)].map(({ title }) => title);
  assert.ok(made.length > 50, `${made.length}`);
  // each hobby was combined with itself and two others
  const strange = made.filter((title) => ![0, 5, 7].includes(distanceIn(title)));
  assert.deepEqual(strange, []);
  assert.ok(new Set(made.map((title) => title.split(" ", 2).join(" "))).size >= 2, "of several forms");
});

test("where posts have vectors, their terms belong together as the vectors say", () => {
  const { posts, book } = hobbies();
  const untagged = posts.map((post) => ({ ...post, tags: [] }));
  const subjects = posts.map(({ terms }) => terms);
  // by the hobby of the first term, as tags before; every tenth post has no vector, and one is zero
  const vectors = subjects.map(([term], n) => {
    if (n % 10 === 0) return null;
    const own = "abcdefghijkl".indexOf(term[0]);
    return Float32Array.from({ length: vectorWidth }, (_, d) => (d === own && n !== 1 ? 0.5 : 0));
  });
  const titles = ["My notes on aoils and aknots", "My notes on aoils and dknots", "Aoils, aknots or dreeds?"];
  const said = (coherence: Coherence) => titles.map((title) => coherence.isCoherent(title));
  assert.deepEqual(said(new Coherence(book, untagged)), [true, true, true], "nothing is known");
  const terms = new TermVectors(subjects, vectors);
  assert.deepEqual(said(new Coherence(book, untagged, terms)), [true, false, false]);
  const made = [...newTitles(book, new Coherence(book, untagged, terms))];
  assert.ok(made.length > 20, `${made.length}`);
});

test("a title's vector is where the posts of its terms lie, as long as theirs are", () => {
  const axis = (d: number, length: number) =>
    Float32Array.from({ length: vectorWidth }, (_, i) => (i === d ? length : 0));
  const terms = new TermVectors(
    [["a"], ["a"], ["b"], ["c"], ["d"]],
    [axis(0, 0.2), axis(1, 0.6), axis(1, 1), null, axis(2, 0)],
  );
  const near = (one: string, other: string) => Number(terms.near(one, other).toFixed(6));
  assert.deepEqual(
    [near("a", "b"), near("b", "b"), near("b", "c"), near("b", "none"), near("b", "d")],
    [Number(Math.SQRT1_2.toFixed(6)), 1, 0, 0, 0],
  );
  const [a, both] = [["a"], ["a", "b", "none"]].map((each) => Array.from(terms.mean(each) ?? []));
  // (0.2 + 0.6 + 1 + 0) / 4, equally along both axes
  assert.ok(Math.abs(a[0] - 0.45 / Math.SQRT2) < 1e-6 && Math.abs(a[0] - a[1]) < 1e-6, `${a}`);
  assert.ok(Math.abs(Math.hypot(...both) - 0.45) < 1e-6 && both[1] > both[0] && both[0] > 0, `${both}`);
  assert.deepEqual([terms.mean([]), terms.mean(["none", "c"]), terms.mean(["d"])], [null, null, null]);
  assert.equal(new TermVectors([["a"]], [null]).mean(["a"]), null);
});

test("a form about something goes with what belongs to it", () => {
  const { posts, book } = hobbies();
  const coherence = new Coherence(book, posts);
  const [open, varnish] = [
    { before: ["How", "do", "you", "clean"], behind: ["?"] },
    { before: ["My", "notes", "on"], behind: ["and", "varnish"] },
  ].map((form) => ({ ...form, term: "aoils", hasOther: false, people: 9 }));
  const fits = (form: typeof open, term: string) =>
    coherence.fits(form, term, [...form.before, term, ...form.behind].join(" "));
  assert.deepEqual([fits(open, "aknots"), fits(open, "dknots")], [true, true]);
  assert.deepEqual([fits(varnish, "aknots"), fits(varnish, "dknots")], [true, false]);
});

test("a term takes another's place where it is about as near to what else the title says", () => {
  const { posts, book } = hobbies();
  const along = (x: number, y: number) => Float32Array.from({ length: vectorWidth }, (_, d) => [x, y][d] ?? 0);
  const terms = new TermVectors(
    [["aoils", "ferries"], ["areeds"], ["aknots"], ["apegs"]],
    [along(1, 0), along(1, 1), along(0.1, 1), along(-1, 1)],
  );
  const fits = (term: string, word: string, vectors?: TermVectors) => {
    const form = {
      before: ["How", "do", "you", "clean"],
      behind: [word, "?"],
      term: "aoils",
      hasOther: false,
      people: 9,
    };
    return new Coherence(book, posts, vectors).fits(form, term, `How do you clean ${term} ${word}?`);
  };
  const tried = ["areeds", "aknots", "apegs"];
  assert.deepEqual(
    tried.map((term) => fits(term, "ferries", terms)),
    [true, false, false],
  );
  assert.deepEqual(
    tried.map((term) => fits(term, "trains", terms)),
    [true, true, true],
    "of trains nothing is known",
  );
  assert.deepEqual(
    tried.map((term) => fits(term, "ferries")),
    [true, true, true],
    "no vectors",
  );
  // the only term that the form had is not near
  assert.equal(fits("dknots", "trains", terms), false);
});

test("where few titles have several terms nobody knows what belongs together, and forms of several authors alone are filled", () => {
  const { posts, book } = hobbies();
  const coherence = new Coherence(book, posts.slice(0, 20));
  assert.ok(coherence.isCoherent("My notes on aoils and dknots"));
  const form = { before: ["How", "do", "you", "clean"], behind: ["?"], term: "aoils", hasOther: false, people: 9 };
  assert.ok(coherence.fits(form, "dknots", "How do you clean dknots?"));
  assert.ok(!coherence.fits({ ...form, before: ["Who", "cleans"] }, "aknots", "Who cleans aknots?"));
});

test("a title as near as stated to one that exists is not new", () => {
  const titles = new TitleIndex(
    Array.from({ length: 40 }, (_, i) => [`word${i}`]),
    1,
  );
  titles.add(distinctWordsOf({ title: "Night trains from Lima to Quito", tags: [] }));
  assert.ok(!isNew("night trains from lima, to quito!", titles));
  assert.ok(!isNew("From Lima to Quito: night trains", titles));
  assert.ok(isNew("Markets of Oslo", titles));
  const near = "Night trains from Lima to Oslo";
  const [{ similarity }] = titles.nearest(distinctWordsOf({ title: near, tags: [] }), 1);
  assert.equal(isNew(near, titles), similarity < nearestAllowed);
});

test("whatever one or two people write, and however often, no idea says it", () => {
  for (const planters of [[90], [90, 91]]) {
    const planted = Array.from({ length: 400 }, (_, i) => ({
      title: `Buy Pillz4u cheap in ${places[i % places.length]} ${i % 2 ? "today?" : "tonight?"}`,
      author: planters[i % planters.length],
      people: 1000,
    }));
    const few = titlesFrom([...corpus(["How safe is it to walk in Kyoto at night?"]), ...planted]);
    assert.ok(!few.some((title) => /pillz|buy|cheap/i.test(title)) || planters.length === 2, few.join("\n"));
    const many = Array.from({ length: 5000 }, (_, i) => ({ title: `word${i} is here`, author: i, people: 0 }));
    const all = titlesFrom([...corpus(["How safe is it to walk in Kyoto at night?"]), ...planted, ...many]);
    assert.ok(!all.some((title) => /pillz|buy|cheap/i.test(title)), all.join("\n"));
  }
});

test("a term of one author takes nobody's place", () => {
  const posts = forms.flatMap((form) => [{ title: form.replace("_", "Spamville"), author: 50, people: 50 }]);
  assert.ok(!titlesFrom([...corpus(), ...posts]).some((title) => title.includes("Spamville")));
});

test("phrases in small letters that fill the same forms are terms too", () => {
  const things = ["glaze recipes", "wheel throwing", "kiln shelves", "slip casting", "hand building", "salt firing"];
  const patterns = ["Five mistakes I made with _", "Is _ worth the money?", "Where would you begin with _?"];
  const posts = patterns.flatMap((pattern, p) =>
    things.map((thing, author) => ({ title: pattern.replace("_", thing), author, people: p })),
  );
  // several authors use each phrase
  const others = patterns.flatMap((pattern, p) =>
    things.flatMap((thing, author) =>
      [1, 2].map((shift) => ({ title: pattern.replace("_", thing), author: (author + shift) % 6, people: p })),
    ),
  );
  const missing = "Where would you begin with salt firing?";
  const found = titlesFrom([...posts, ...others].filter(({ title }) => title !== missing));
  assert.ok(found.includes(missing), found.join("\n"));
});

test("signs, addresses, mentions and lists lend no form", () => {
  const plain = (title: string) => isPlain(title, partsOf(title));
  assert.ok(plain("How safe is it to walk in Lima at night?"));
  for (const title of [
    "Too short",
    "See https://evil.example for more of it",
    "Ask @ann about trains in Lima",
    "What does <b>this</b> mean for us here",
    'She said "leave the train" to me here',
    "Call 555123 for trains in Lima",
    "One, two, three, four, and five",
    `A ${"very ".repeat(14)}long title`,
    "Hidden \u202Eletters in a title here",
  ])
    assert.ok(!plain(title), title);
});

test("a title is put together as it was", () => {
  for (const title of [
    "How do I re-enter O'Hare, at 90/180?",
    "Is St. Moritz open?",
    "What's new?",
    "我想去巴黎旅行，需要签证吗？",
    "去Paris旅行3天！好",
    "去 Paris 旅行 3天",
    "東京でラーメンを食べるならどこですか？",
    "ไป Paris กับ ครอบครัว ได้ไหม",
    "मैं दिल्ली में घूमना चाहता हूँ। क्या करूँ?",
    "كيف يمكنني السفر، إلى باريس؟",
  ])
    assert.equal(titleOfParts(partsOf(title)), title);
  assert.deepEqual(partsOf("去巴黎旅行？"), ["去", "巴黎", "旅行", "？"]);
});

test("authors are counted up to three, nobody for nothing, each once", () => {
  const authors = new DistinctAuthorCounts<string>();
  for (const author of [4, 4, -1, 4]) authors.add("a", author);
  assert.equal(authors.count("a"), 1);
  for (let key = 0; key < 3000; key++) authors.add(`k${key}`, key);
  for (const author of [5, 0, 9, 10]) authors.add("a", author);
  assert.deepEqual([authors.count("a"), authors.count("k2999"), authors.count("none")], [3, 1, 0]);
});

test("no posts, and posts without authors, give no titles", () => {
  assert.deepEqual(titlesFrom([]), []);
  assert.deepEqual(titlesFrom(corpus().map((post) => ({ ...post, author: -1 }))), []);
});
