import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../../../../../trainer/engine/random.ts";
import { dimensions } from "../../features/history.ts";
import { sourceNames } from "../../features/retrieval.ts";
import { settingsFor } from "../feed-settings.ts";
import { type Exploration, trialPlace } from "./exploration.ts";
import { candidatesPerPage } from "./pool.ts";
import { select } from "./select.ts";
import { better, type Selectable } from "./selectable.ts";

const plain = { diversity: 0, author_decay: 1, topic_share: 1, group_share: 1 };
const nowhere = Object.fromEntries(sourceNames.map((source) => [source, null])) as Selectable["post"]["ranks"];

/** A unit vector, at an angle in the plane of the first two axes. */
function at(degrees: number): Float32Array {
  const vector = new Float32Array(dimensions);
  vector[0] = Math.cos((degrees / 180) * Math.PI);
  vector[1] = Math.sin((degrees / 180) * Math.PI);
  return vector;
}

interface Given {
  author?: string;
  degrees?: number;
  topic?: number;
  group?: string;
  title?: string;
}

function candidate(post_id: string, score: number, { author, degrees, topic, group, title }: Given = {}): Selectable {
  return {
    score,
    post: {
      post_id,
      title: title ?? post_id,
      author_id: author ?? null,
      created_at: 0,
      embedding: degrees === undefined ? null : at(degrees),
      ranks: nowhere,
      topic_id: topic ?? null,
      group: group ?? null,
    },
  };
}

function page(posts: Selectable[], limit: number, settings: Partial<typeof plain>): string {
  const selected = select([...posts], limit, { ...plain, ...settings });
  return selected.map(({ chosen }) => chosen.post.post_id).join(" ");
}

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
  const of = (history: number) => settingsFor({ diversity: 0.8, author_decay: 0.9 }, history);
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
  // a2 is worth 0.2 and a3 0.075; posts of nobody are not one author's
  assert.equal(page(posts, 6, { author_decay: 0.5 }), "a1 a2 b1 n1 n2 a3");
  assert.equal(page(posts, 6, { author_decay: 1, topic_share: 1 }), "a1 a2 a3 b1 n1 n2");
});

test("an author has a tenth of a page, two places at least, and then stands behind all others", () => {
  // more than there are candidates for a page
  const flood = Array.from({ length: 150 }, (_, i) => candidate(`flood ${i}`, 0.9 - i / 1000, { author: "one" }));
  const others = Array.from({ length: 60 }, (_, i) => candidate(`other ${i}`, 0.1, { author: `author ${i}` }));
  const places = (limit: number, posts: Selectable[]) =>
    select(posts, limit, { ...plain, author_decay: 0.9 }).filter(({ chosen }) => chosen.post.author_id === "one")
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

test("what has the title of a post of the page is folded into it, the best of them, and fills no place", () => {
  const titles = [
    "Where to eat in Łódź?",
    "“Where to eat – in ŁÓDŹ”",
    "Where to eat",
    "Question",
    "question!",
    "Où dîner",
    "où dîner ?",
  ];
  const posts = titles.map((title, i) => candidate(String(i), 10 - i, { title }));
  assert.deepEqual(
    select(posts, 3, plain).map(({ chosen, folded = [] }) => [
      chosen.post.post_id,
      folded.map(({ post }) => post.post_id),
    ]),
    [
      ["0", ["1"]],
      ["2", []],
      ["3", []],
    ],
    "one word says too little",
  );
  assert.equal(page(posts.slice(0, 2), 2, {}), "0", "a page may be shorter for it");
  const [last] = select(posts.slice(5).reverse(), 1, plain);
  assert.deepEqual([last.chosen.post.post_id, last.folded?.length], ["5", 1]);
});

test("what the app says is one conversation with a post of the page is folded into it, whatever its title", () => {
  const posts = ["link", null, "link", "answer", "answer", null].map((conversation, i) => {
    const one = candidate(String(i), 10 - i, { title: i === 5 ? "Title of 0" : `Title of ${i}` });
    return { ...one, post: { ...one.post, conversation } };
  });
  assert.deepEqual(
    select(posts, 6, plain).map(({ chosen, folded = [] }) => [
      chosen.post.post_id,
      folded.map(({ post }) => post.post_id),
    ]),
    [
      ["0", ["2", "5"]],
      ["1", []],
      ["3", ["4"]],
    ],
  );
});

test("no trial gives a topic or a group more than its share of the page", () => {
  const groups = ["a", "a", "a", "a", "a", "b"].map((group, i) => {
    const one = candidate(String(i), 10 - i, {});
    return { ...one, post: { ...one.post, group } };
  });
  const explore: Exploration = { place: 5, draw: (left) => left[0] };
  const ids = (posts: typeof groups, share: number) =>
    select(posts, 5, { ...plain, group_share: share }, 0, [trialPlace(explore)]).map(
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

test("of one conversation the post stays that most people came to, the older of equals", () => {
  const written = (post_id: string, score: number, author: string | null, more: Partial<Selectable["post"]> = {}) => {
    const { post } = candidate(post_id, score, { title: "Where to eat" });
    return { score, post: { ...post, author_id: author, created_at: 1, ...more } };
  };
  const came = (participants: number) => ({ state: { participants } });
  const original = written("original", 0.5, "ann", came(2));
  const cases: [string, Selectable, string][] = [
    ["a copy", written("copy", 0.9, "ben", { created_at: 2 }), "original"],
    ["a copy to which as many came", written("copy", 0.9, "ben", { created_at: 2, ...came(2) }), "original"],
    ["one to which more came", written("discussed", 0.9, "ben", { created_at: 2, ...came(3) }), "discussed"],
    ["the same, with a lower score", written("discussed", 0.4, "ben", { created_at: 2, ...came(3) }), "discussed"],
    ["the author's own, whatever came of it", written("again", 0.9, "ann", { created_at: 2 }), "again"],
    ["an older one to which nobody came", written("older", 0.9, "ben", { created_at: 0 }), "original"],
    ["an old post that was edited to say it", written("edited", 0.9, "ben", { ...came(9), edited_at: 2 }), "original"],
    [
      "one that was edited before",
      written("edited", 0.9, "ben", { ...came(9), created_at: -9, edited_at: 0 }),
      "edited",
    ],
    ["one of a closed circle", written("circle", 0.9, "ben", { ...came(9), of_circle: true }), "original"],
    ["nobody's", written("nobody's", 0.9, null, { created_at: 2 }), "original"],
  ];
  for (const [what, other, expected] of cases) {
    const [one, ...others] = select([other, original], 2, plain);
    const [left] = [other, original].filter((post) => post !== one.chosen);
    assert.deepEqual([one.chosen.post.post_id, one.folded, others], [expected, [left], []], what);
  }
});

test("what leads a conversation takes nothing off a page on which it would have no place", () => {
  const came = { state: { participants: 5 } };
  const copy = candidate("copy", 0.9, { title: "Where to eat", author: "ben" });
  const others = Array.from({ length: 30 }, (_, i) => candidate(`other ${i}`, 0.5 - i / 100, {}));
  const last = candidate("original", 0.305, { title: "Where to eat", author: "ann" });
  const original = { ...last, post: { ...last.post, ...came } };
  const short = select([copy, ...others, original], 20, plain);
  assert.deepEqual([short[0].chosen, short[0].folded, short.length], [copy, [original], 20]);
  const whole = select([copy, ...others, original], 40, plain);
  assert.deepEqual([whole[20].chosen, whole[20].folded, whole.length], [original, [copy], 31]);
});

test("each post is folded into one, where a title and a link join different posts", () => {
  const posts = [
    { title: "Where to eat", conversation: null },
    { title: "Where to eat", conversation: "link" },
    { title: "Another title", conversation: "link" },
  ].map(({ title, conversation }, i) => {
    const { post, score } = candidate(String(i), 1 - i / 10, { title, author: `author ${i}` });
    return { score, post: { ...post, conversation, state: { participants: i } } };
  });
  const places = (state: number[]) =>
    select(
      posts.map(({ score, post }, i) => ({ score, post: { ...post, state: { participants: state[i] } } })),
      3,
      plain,
    ).map(({ chosen, folded = [] }) => [chosen.post.post_id, ...folded.map(({ post }) => post.post_id)].join(" "));
  assert.deepEqual(places([3, 2, 1]), ["0 1", "2"]);
  assert.deepEqual(places([1, 3, 2]), ["1 2 0"]);
  assert.deepEqual(places([1, 2, 3]), ["0 1", "2"]);
});

test("what is led by a post that has no place after all has its own", () => {
  const written: [string, number, number, string, string | null][] = [
    ["00", 0.734, 1, "A title of its own", "l3"],
    ["05", 0.54, 3, "Same title 2", "l3"],
    ["03", 0.329, 3, "Same title 2", "l2"],
    ["04", 0.125, 2, "Same title 2", "l0"],
    ["01", 0.06, 2, "Same title 1", "l2"],
    ["02", 0.029, 3, "Same title 2", null],
  ];
  const posts = written.map(([id, score, participants, title, conversation]) => {
    const { post } = candidate(id, score, { title, author: id });
    return { score, post: { ...post, conversation, state: { participants } } };
  });
  const places = select(posts, 2, plain).map(({ chosen, folded = [] }) =>
    [chosen, ...folded].map(({ post }) => post.post_id),
  );
  const shown = places.flat();
  assert.equal(new Set(shown).size, shown.length);
  for (const { score, post } of posts)
    if (!shown.includes(post.post_id))
      assert.ok(
        places.every(([id]) => score < (posts.find((each) => each.post.post_id === id)?.score ?? 0)),
        post.post_id,
      );
});

test("many pairs whose leaders stand one behind the other take a page no more passes than a few", () => {
  let asked = 0;
  // the leader of each pair stands where the page ends once the pair before it has been folded
  const posts = Array.from({ length: 60 }, (_, i) => i).flatMap((i) => [
    candidate(`copy ${i}`, 1 - i / 1000, { title: `Title of ${i}`, author: `copier ${i}` }),
    { ...candidate(`original ${i}`, 0.5 - i / 1000, { title: `Title of ${i}`, author: `author ${i}` }) },
  ]);
  for (const { post } of posts) if (post.post_id.startsWith("original")) post.state = { participants: 1 };
  const page = select(posts, 60, plain, 0, [
    ({ position }) => {
      if (position === 1) asked++;
      return undefined;
    },
  ]);
  assert.ok(asked > 0 && asked < 8, String(asked));
  assert.equal(page.length, 60);
  assert.equal(new Set(page.map(({ chosen }) => chosen.post.title)).size, 60);
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
  const sorted = many.toSorted(better);
  const first = sorted.filter(hasShare);
  const pool = [...first, ...sorted.filter((post) => !first.includes(post))].slice(0, candidatesPerPage(20));
  const expected: string[] = [];
  const chosen: Selectable[] = [];
  while (chosen.length < 20) {
    const worth = (post: Selectable) => {
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
    const next = left.reduce((best, post) => (worth(post) > worth(best) * (1 + 1e-12) ? post : best));
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
    const chosen = select([...posts], limit, { ...plain, topic_share: share }).map(({ chosen }) => chosen);
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
