/** Terms that posts about a subject share: whole phrases, by several authors, that fit every term of a title. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Phrasebook } from "./phrasebook.ts";
import { SubjectPosts } from "./subject-posts.ts";

interface Written {
  title: string;
  text?: string;
  tags?: string[];
}

/** Posts by seven alternating authors, among a hundred unrelated posts. */
function subjectPosts(written: Written[], terms: string[]) {
  const others = Array.from({ length: 100 }, (_, i) => ({ title: `Of ${i} other evenings`, tags: ["evenings"] }));
  const posts = [...written, ...others].map(({ title, text = "", tags = [] }: Written, i) => {
    return { title, text, tags, author: i % 7, people: 1, topicId: null };
  });
  const book = new Phrasebook(posts, new Set([...terms, "evenings"]));
  return new SubjectPosts(
    book,
    posts.map((post) => ({ ...post, terms: book.subjectsOf(post.title) })),
  );
}

const repeated = (count: number, of: (i: number) => Written) => Array.from({ length: count }, (_, i) => of(i));
/** Words that occur next to others by chance. */
const any = (i: number) => ["slowly", "again", "twice", "gladly", "lately"][i % 5];

test("a point is as long as its words always stand together, as they are written within a sentence", () => {
  const pointsOf = (text: (i: number) => string) =>
    subjectPosts(
      repeated(12, (i) => ({ title: i < 6 ? `More damp ${any(i)}` : `Some ${any(i)} repair`, text: text(i) })),
      ["damp", "repair"],
    ).pointsOf("damp", "Who knows about damp?");
  const together = (i: number) => `Damp ${any(i)} and ${any(i + 1)} cornice repair ${any(i + 2)}`;
  assert.deepEqual(pointsOf(together), ["repair"], "half of the titles have it alone");
  const posts = subjectPosts(
    repeated(12, (i) => ({
      title: `Oh ${any(i)} damp`,
      text: i % 3 ? `I ${any(i + 1)} saw cornice repair ${any(i)}` : `Cornice repair ${any(i)}`,
    })).concat({ title: "The cornice repair", text: "" }),
    ["damp", "repair"],
  );
  assert.deepEqual(posts.pointsOf("damp", "Who knows about damp?"), ["cornice repair"]);
});

test("a term that only ever stands in one and the same sentence is no point", () => {
  const pointsOf = (text: (i: number) => string) =>
    subjectPosts(
      repeated(12, (i) => ({ title: i < 11 ? `More damp ${any(i)}` : "The choir", text: text(i) })),
      ["damp", "choir"],
    ).pointsOf("damp", "Who knows about damp?");
  assert.deepEqual(
    pointsOf((i) => `Damp ${any(i)} choir ${any(i + 1)}`),
    ["choir"],
  );
  assert.deepEqual(
    pointsOf(() => "Damp. My project is called Join the city choir"),
    [],
  );
});

test("what goes with a subject goes with what else its title is about, too", () => {
  const posts = subjectPosts(
    [
      ...repeated(20, (i) => ({
        title: "In Kyoto",
        text: `${any(i)} ${i % 2 ? "lanterns" : "trains"} ${any(i + 1)}`,
        tags: ["japan"],
      })),
      ...repeated(3, () => ({ title: "Which adapter for trains?", tags: ["electricity"] })),
      { title: "Lanterns and trains" },
      { title: "My lanterns" },
    ],
    ["kyoto", "lanterns", "trains"],
  );
  assert.deepEqual(posts.pointsOf("kyoto", "How was Kyoto?"), ["lanterns", "trains"]);
  assert.deepEqual(posts.pointsOf("kyoto", "Which adapter, Kyoto?"), ["trains"]);
  assert.deepEqual(posts.pointsOf("kyoto", "More lanterns, Kyoto?"), [], "trains hardly stand with lanterns");
});

test("a tag is on many of a subject's posts that have any, by several authors, and sets them apart", () => {
  const tagged = (tags: (i: number) => string[]) =>
    subjectPosts(
      repeated(30, (i) => ({ title: "More about damp", tags: i % 6 ? [] : tags(i) })),
      ["damp"],
    ).tagsOf("damp");
  assert.deepEqual(
    tagged(() => ["old house", "evenings"]),
    ["old house"],
    "the other is on nearly all posts",
  );
  assert.deepEqual(
    tagged((i) => (i < 7 ? ["rare"] : ["old house"])),
    ["old house"],
  );
  assert.deepEqual(
    tagged(() => []),
    [],
  );
});
