import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../../../../../trainer/models/nn/random.ts";
import { settingsForHistory, withNewcomerPlaces } from "../request/feed-settings.ts";
import { candidatesPerPage } from "./candidate-pool.ts";
import { type Exploration, explorationFiller } from "./exploration.ts";
import { selectPage } from "./select-page.ts";
import { compareScored, type Selectable, type SelectionSettings, type Standing } from "./selectable.ts";
import { candidate, page, plain } from "./testing.ts";

test("with nothing set a page is the best by score; of equals the newer, then by id", () => {
  const posts = [candidate("c", 0.2), candidate("b", 0.5), candidate("a", 0.2), candidate("d", 0.2)];
  posts[3].post.created_at = 1;
  assert.equal(page(posts, 3, {}), "b d a");
  assert.equal(page(posts, 10, {}), "b d a c");
  assert.equal(page([], 10, {}), "");
});

test("a post gives way to one that is less like what stands above it", () => {
  const posts = [
    candidate("first", 0.5, { degrees: 0 }),
    candidate("twin", 0.4, { degrees: 0 }),
    candidate("other", 0.3, { degrees: 90 }),
  ];
  // exp(−0.25) · 0.4 = 0.31, exp(−0.3) · 0.4 = 0.296
  assert.equal(page(posts, 3, { diversity: 0.25 }), "first twin other");
  assert.equal(page(posts, 3, { diversity: 0.3 }), "first other twin");
});

test("diversity grows with what is known of a reader: none at first, all of it from ten posts on", () => {
  const of = (history: number) => settingsForHistory({ diversity: 0.8, author_decay: 0.9 }, history);
  assert.deepEqual(
    [0, 5, 10, 50].map((history) => of(history)),
    [0, 0.4, 0.8, 0.8].map((diversity) => ({ diversity, author_decay: 0.9 })),
  );
});

test("the nearest of those above counts, being opposite is no merit, and no vector is no likeness", () => {
  const posts = [
    candidate("a", 0.5, { degrees: 0 }),
    candidate("b", 0.49, { degrees: 90 }),
    candidate("near b", 0.3, { degrees: 80 }),
    candidate("opposite a", 0.2, { degrees: 180 }),
    candidate("unknown", 0.19),
  ];
  assert.equal(page(posts, 5, { diversity: 1 }), "a b opposite a unknown near b");
});

test("each further post of an author is worth less", () => {
  const posts = [
    candidate("a1", 0.5, { author: "a" }),
    candidate("a2", 0.4, { author: "a" }),
    candidate("a3", 0.3, { author: "a" }),
    candidate("b1", 0.15, { author: "b" }),
    candidate("n1", 0.14),
    candidate("n2", 0.13),
  ];
  // a2 is worth 0.2 and a3 0.075; posts without an author are not one author's
  assert.equal(page(posts, 6, { author_decay: 0.5 }), "a1 a2 b1 n1 n2 a3");
  assert.equal(page(posts, 6, { author_decay: 1, topic_share: 1 }), "a1 a2 a3 b1 n1 n2");
});

test("an author has a tenth of a page, two places at least, and then stands behind all others", () => {
  // more than there are candidates for a page
  const flood = Array.from({ length: 150 }, (_, i) => candidate(`flood ${i}`, 0.9 - i / 1000, { author: "one" }));
  const others = Array.from({ length: 60 }, (_, i) => candidate(`other ${i}`, 0.1, { author: `author ${i}` }));
  const places = (limit: number, posts: Selectable[]) =>
    selectPage(posts, limit, { ...plain, author_decay: 0.9 }).filter(({ chosen }) => chosen.post.author_id === "one")
      .length;
  assert.deepEqual(
    [1, 5, 10, 20, 30, 60].map((limit) => places(limit, [...flood, ...others])),
    [1, 2, 2, 2, 3, 6],
  );
  assert.equal(places(20, [...flood]), 20, "a page is full where there is nobody else");
  assert.equal(places(20, [...flood, ...others.slice(0, 10)]), 10);
});

const many = Array.from({ length: 600 }, (_, i) =>
  candidate(`p${String(i).padStart(3, "0")}`, 1 / (i + 2), { author: `a${i % 7}`, degrees: (i * 37) % 360 }),
);

test("no trial gives a topic or a group more than its share of the page", () => {
  const groups = ["a", "a", "a", "a", "a", "b"].map((group, i) => {
    const one = candidate(String(i), 10 - i, {});
    return { ...one, post: { ...one.post, group } };
  });
  const explore: Exploration = { place: 5, draw: (left) => left[0] };
  const ids = (posts: typeof groups, share: number) =>
    selectPage(posts, 5, { ...plain, group_share: share }, 0, [explorationFiller(explore)]).map(
      ({ chosen }) => chosen.post.post_id,
    );
  assert.deepEqual(ids(groups, 0.8), ["0", "1", "2", "3", "5"]);
  assert.deepEqual(
    ids(groups.slice(0, 5), 0.8),
    ["0", "1", "2", "3", "4"],
    "where there is nothing else it stays full",
  );
  assert.deepEqual(ids(groups, 1), ["0", "1", "2", "3", "4"]);
});

test("the page does not hang on the order in which candidates come", () => {
  const settings = { diversity: 0.4, author_decay: 0.9 };
  const equal = many.map((post, i) => ({ ...post, score: 0.1 * Math.ceil((i + 1) / 50) }));
  const expected = page(equal, 100, settings);
  assert.equal(page(equal.toReversed(), 100, settings), expected);
  assert.equal(
    page(
      equal.toSorted((a, b) => a.post.post_id.localeCompare(b.post.post_id)),
      100,
      settings,
    ),
    expected,
  );
  assert.equal(new Set(expected.split(" ")).size, 100);
});

test("it is what trying every order of places would give, greedily, from the best of the pool", () => {
  const [diversity, author_decay] = [0.7, 0.8];
  const of = new Map<string | null, number>();
  const hasShare = ({ post: { author_id } }: Selectable) => {
    const number = (of.get(author_id) ?? 0) + 1;
    of.set(author_id, number);
    return number <= candidatesPerPage(20) / 10;
  };
  // 10 of each of the 7 authors, and then the best of the others
  const sorted = many.toSorted(compareScored);
  const first = sorted.filter(hasShare);
  const pool = [...first, ...sorted.filter((post) => !first.includes(post))].slice(0, candidatesPerPage(20));
  const expected: string[] = [];
  const chosen: Selectable[] = [];
  while (chosen.length < 20) {
    const scoreNow = (post: Selectable) => {
      const cosines = chosen.map((other) =>
        (post.post.embedding as Float32Array).reduce(
          (sum, x, d) => sum + x * (other.post.embedding as Float32Array)[d],
          0,
        ),
      );
      const repeats = chosen.filter((other) => other.post.author_id === post.post.author_id).length;
      // a tenth of the page, and then behind all others
      const behind = repeats >= 2 ? 1e-300 : 1;
      return post.score * Math.exp(-diversity * Math.max(0, ...cosines)) * author_decay ** repeats * behind;
    };
    const left = pool.filter((post) => !chosen.includes(post));
    const next = left.reduce((best, post) => (scoreNow(post) > scoreNow(best) * (1 + 1e-12) ? post : best));
    chosen.push(next);
    expected.push(next.post.post_id);
  }
  assert.equal(page(many, 20, { diversity, author_decay }), expected.join(" "));
});

test("scores of 0 are ranked last, not lost", () => {
  const posts = [
    candidate("a", 0, { degrees: 0 }),
    candidate("b", 0.1, { degrees: 0 }),
    candidate("c", 0, { degrees: 0 }),
  ];
  assert.equal(page(posts, 3, { diversity: 1, author_decay: 0.5 }), "b a c");
});

const about = (topic: number, n: number, best: number) =>
  Array.from({ length: n }, (_, i) => candidate(`${topic}${"abcdefghij"[i]}`, best - i / 1000, { topic }));

test("a topic that has its share of the page is behind all others, however low those score", () => {
  const posts = [...about(1, 6, 0.9), ...about(2, 6, 0.5), candidate("none", 1e-9)];
  assert.equal(page(posts, 5, {}), "1a 1b 1c 1d 1e");
  assert.equal(page(posts, 5, { topic_share: 0.4 }), "1a 1b 2a 2b none");
  assert.equal(page(posts, 5, { topic_share: 0.6 }), "1a 1b 1c 2a 2b");
  // 0.3 as PostgreSQL's real has it
  assert.equal(
    page(about(1, 9, 0.9).concat(about(2, 9, 0.5)), 10, { topic_share: Math.fround(0.3) }).slice(0, 14),
    "1a 1b 1c 2a 2b",
  );
});

test("one post of each topic at least, posts of no topic as many as there are, and a full page where nothing else is left", () => {
  assert.equal(page([...about(1, 3, 0.9), ...about(2, 3, 0.5)], 2, { topic_share: 0.01 }), "1a 2a");
  assert.equal(
    page([candidate("a", 0.5), candidate("b", 0.4), candidate("c", 0.3)], 3, { topic_share: 0.01 }),
    "a b c",
  );
  assert.equal(page(about(1, 3, 0.9), 3, { topic_share: 0.5 }), "1a 1b 1c");
  assert.equal(page([...about(1, 2, 0.9), candidate("worthless", 0)], 3, { topic_share: 0.4 }), "1a 1b worthless");
});

test("a group has its share of the candidates of a page, or others would not be among the best hundred", () => {
  const of = (group: string, n: number, best: number) =>
    Array.from({ length: n }, (_, i) => candidate(`${group}${i}`, best - i / 10_000, { group }));
  const posts = [...of("a", 150, 0.9), ...of("b", 3, 0.1)];
  assert.equal(page(posts, 5, { group_share: 0.6 }), "a0 a1 a2 b0 b1");
  assert.equal(page(posts, 10, { group_share: 0.6 }), "a0 a1 a2 a3 a4 a5 b0 b1 b2 a6");
});

test("whatever the topics, a page has no more of one than its share as long as others are there, and is as long as without", () => {
  for (let seed = 0; seed < 200; seed++) {
    const random = new Random(seed);
    const posts = Array.from({ length: 1 + random.below(60) }, (_, i) =>
      candidate(String(i), random.uniform(), { topic: random.below(1 + random.below(8)) }),
    );
    const [limit, share] = [1 + random.below(20), 0.05 + 0.9 * random.uniform()];
    const chosen = selectPage([...posts], limit, { ...plain, topic_share: share }).map(({ chosen }) => chosen);
    assert.equal(chosen.length, Math.min(limit, posts.length));
    const most = Math.max(1, Math.floor(share * limit + 1e-4));
    const count = (topic: number | null | undefined, of: Selectable[]) =>
      of.filter(({ post }) => post.topic_id === topic).length;
    const left = posts.filter((post) => !chosen.includes(post));
    for (const { post } of chosen)
      if (count(post.topic_id, chosen) > most)
        for (const other of left)
          assert.ok(count(other.post.topic_id, chosen) >= most, "another topic had places left");
  }
});

test("closed circles have a twentieth of a page together, and all of it where there is nobody else", () => {
  const ring = Array.from({ length: 200 }, (_, i) =>
    candidate(`r${i}`, 0.9 - i / 1000, { author: `ring ${i % 10}`, degrees: i % 7 === 0 ? 0 : i }),
  );
  const closed = ring.map(({ score, post }) => ({ score, post: { ...post, of_circle: true } }));
  const others = Array.from({ length: 60 }, (_, i) => candidate(`o${i}`, 0.5 - i / 1000, { author: `o${i}` }));
  const settings = { diversity: 0.3, author_decay: 0.9 };
  const ofRing = (limit: number) =>
    page([...closed, ...others], limit, settings)
      .split(" ")
      .filter((id) => id.startsWith("r")).length;
  assert.deepEqual([10, 20, 50].map(ofRing), [1, 1, 2]);
  // the other 27 are filled with theirs
  assert.equal(page([...closed, ...others.slice(0, 23)], 50, settings).split(" ").length, 50);
  assert.equal(page(closed, 20, settings), page(ring, 20, settings));
});

/** Posts of authors with few known readers: `standing` of each post. */
const ofStanding = (standing: Standing, posts: Selectable[]): Selectable[] =>
  posts.map(({ score, post }) => ({ score, post: { ...post, standing } }));
const others = (number: number) =>
  Array.from({ length: number }, (_, i) => candidate(`o${i}`, 0.5 - i / 1000, { author: `o${i}` }));

test("of an author whom few known people met a page has one post, and not first where it is the best of more than four", () => {
  const many = ofStanding(
    "unproven",
    Array.from({ length: 200 }, (_, i) => candidate(`m${i}`, 0.9 - i / 1000, { author: "many" })),
  );
  for (const settings of [{}, { diversity: 0.3, author_decay: 0.9 }]) {
    const places = page([...many, ...others(60)], 20, settings).split(" ");
    assert.equal(places.filter((id) => id.startsWith("m")).length, 1);
    assert.equal(places.indexOf("m0"), 1);
  }
  // where most are unproven, as in a new community, no author is limited
  const [some, rest] = [others(60).slice(0, 40), others(60).slice(40)];
  assert.ok(page([...many, ...ofStanding("unproven", some), ...rest], 20, {}).startsWith("m0 m1 m2"));
  // few posts take the place of the best of them, and without other authors the page is filled
  const places = [1, 4, 5].map((few) =>
    page([...many.slice(0, few), ...others(60)], 20, {})
      .split(" ")
      .indexOf("m0"),
  );
  assert.deepEqual(places, [0, 0, 1]);
  assert.equal(page(many, 20, {}).split(" ").length, 20);
  // a later page of the feed begins where the one before ended
  const [next] = selectPage([...many, ...others(60)], 20, plain, 20);
  assert.equal(next.chosen.post.post_id, "m0");
});

test("newcomers have their places of a page together, and all of it where there is nobody else", () => {
  const newcomers = ofStanding(
    "newcomer",
    Array.from({ length: 50 }, (_, i) => candidate(`n${i}`, 0.9 - i / 1000, { author: `n${i}` })),
  );
  const of = (newcomer_places: number | undefined, posts: Selectable[]) =>
    selectPage([...posts], 20, { ...plain, ...(newcomer_places !== undefined && { newcomer_places }) })
      .map(({ chosen }) => chosen.post.post_id)
      .filter((id) => id.startsWith("n")).length;
  const all = [...newcomers, ...others(60)];
  assert.deepEqual(
    [undefined, 20, 7, 1, 0].map((places) => of(places, all)),
    [20, 20, 7, 1, 0],
  );
  assert.equal(of(0, [...newcomers, ...others(15)]), 5);
});

const placesOf = (newcomer_share: number, limit: number, seed: bigint) =>
  withNewcomerPlaces<SelectionSettings & { newcomer_share: number }>({ ...plain, newcomer_share }, limit, seed)
    .newcomer_places;

test("newcomers' places are their share of all pages together, whatever the length of a page", () => {
  const seeds = [...new BigInt64Array(new Uint8Array(8 * 4000).map((_, i) => Math.imul(i, 0x9e3779b1) >>> 13).buffer)];
  for (const share of [0, 0.01, 0.05, 0.33, 0.99])
    for (const limit of [1, 5, 20, 100]) {
      const places = seeds.map((seed) => placesOf(share, limit, seed) ?? 0);
      const mean = places.reduce((sum, each) => sum + each, 0) / seeds.length;
      assert.ok(Math.abs(mean - share * limit) < 0.04, `${share} of ${limit}: ${mean}`);
      assert.ok(Math.max(...places) - Math.min(...places) <= 1);
    }
  assert.equal(placesOf(1, 20, 1n), undefined);
});
