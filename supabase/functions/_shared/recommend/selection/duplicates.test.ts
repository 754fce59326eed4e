import assert from "node:assert/strict";
import { test } from "node:test";
import { selectPage } from "./select-page.ts";
import type { Selectable } from "./selectable.ts";
import { candidate, page, plain } from "./testing.ts";

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
    selectPage(posts, 3, plain).map(({ chosen, folded = [] }) => [
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
  const [last] = selectPage(posts.slice(5).reverse(), 1, plain);
  assert.deepEqual([last.chosen.post.post_id, last.folded?.length], ["5", 1]);
});

test("what the app says is one conversation with a post of the page is folded into it, whatever its title", () => {
  const posts = ["link", null, "link", "answer", "answer", null].map((conversation, i) => {
    const one = candidate(String(i), 10 - i, { title: i === 5 ? "Title of 0" : `Title of ${i}` });
    return { ...one, post: { ...one.post, conversation } };
  });
  assert.deepEqual(
    selectPage(posts, 6, plain).map(({ chosen, folded = [] }) => [
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

test("of one conversation the post stays that most people interacted with, the older of equals", () => {
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
    const [one, ...others] = selectPage([other, original], 2, plain);
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
  const short = selectPage([copy, ...others, original], 20, plain);
  assert.deepEqual([short[0].chosen, short[0].folded, short.length], [copy, [original], 20]);
  const whole = selectPage([copy, ...others, original], 40, plain);
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
    selectPage(
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
  const places = selectPage(posts, 2, plain).map(({ chosen, folded = [] }) =>
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
  const found = selectPage(posts, 60, plain, 0, [
    ({ position }) => {
      if (position === 1) asked++;
      return undefined;
    },
  ]);
  assert.ok(asked > 0 && asked < 8, String(asked));
  assert.equal(found.length, 60);
  assert.equal(new Set(found.map(({ chosen }) => chosen.post.title)).size, 60);
});
