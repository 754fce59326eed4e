/** The points of an idea come from posts about its subject, never from posts of the same form. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { makeIdeaPool } from "./idea-pool.ts";
import type { IdeaPost, IdeaTopic } from "./read-idea-source.ts";

const day = 86_400_000;
const now = 100 * day;
const forms = [
  "How do you go about _?",
  "What I finally learned about _",
  "A small checklist for _",
  "My _ again, please",
  "Is there more to _ than people say?",
  "Six weeks of _, honestly",
  "Five mistakes I made with _",
  "Nobody told me this of _",
  "Why I stopped worrying over _",
  "Who else is busy with _ lately?",
  "Showing my work: _",
  "Beginners and _, once more",
];
/** Things of each hobby, which fill any form. Each post names two other things of its hobby. */
const hobbies = {
  ponds: ["liners", "herons", "pumps", "lilies", "algae", "newts"],
  violins: ["bridges", "rosin", "pegs", "bows", "fiddles", "reels"],
  bread: ["starters", "crumbs", "ovens", "loaves", "crusts", "ryes"],
  radios: ["valves", "aerials", "coils", "solders", "dials", "tubes"],
};
type Hobby = keyof typeof hobbies;
const all = Object.entries(hobbies) as [Hobby, string[]][];
const hobbyOf = (thing: string) => all.find(([, things]) => things.includes(thing))?.[0];

/** All things in all forms except `missing`, by alternating authors; each post names two other things of its hobby. */
function community(missing: (form: number, thing: number) => boolean): IdeaPost[] {
  const made = all.flatMap(([hobby, things], h) =>
    things.flatMap((thing, t) =>
      forms.flatMap((form, f) => {
        if (missing(f, t)) return [];
        const [one, other] = [1 + (f % 2), 3 + (f % 2)].map((step) => things[(t + step) % things.length]);
        return post({
          title: form.replace("_", thing),
          text: `It goes with ${one}, and with ${other} too.`,
          tags: [hobby],
          author: `${(h + t + f) % 9}`,
          // the first form has the largest audience, so ideas use it
          people: f === 0 ? 40 : 2,
          topicId: h,
        });
      }),
    ),
  );
  return made.map((each, i) => ({ ...each, id: `${i}` }));
}

const post = (own: Partial<IdeaPost>): IdeaPost => ({
  ...{
    id: "",
    title: "",
    text: "",
    tags: [],
    author: null,
    createdAt: now - 30 * day,
    topicId: null,
    components: null,
  },
  ...{ people: 2, viewers: 1, voters: 1, commenters: 1, isSettled: true, isOfNewcomer: false },
  ...own,
});
const topics: IdeaTopic[] = all.map(([hobby, things], id) => ({
  ...{ id, label: `${hobby}, a topic`, terms: [...things, "resin"], demand: 1, supply: 1, people: null, centroid: [] },
}));
const ideasOf = async (posts: IdeaPost[]) => {
  const { pool } = await makeIdeaPool({ now, posts, topics }, null);
  return pool.ideas.map((idea) => ({ ...idea, from: idea.from.map((place) => pool.named[place]) }));
};
/** Half of the things are missing from the first form. */
const half = (form: number, thing: number) => form === 0 && thing % 2 === 0;

test("points, tags, topic and sources are of an idea's subject, though posts of other subjects share its form", async () => {
  const posts = community(half);
  const ideas = await ideasOf(posts);
  assert.ok(ideas.length > 4, `${ideas.length}`);
  assert.ok(ideas.some(({ points }) => points.length > 0));
  for (const { title, subject, points, tags, topic, from } of ideas) {
    const hobby = hobbyOf(subject);
    for (const point of points) assert.equal(hobbyOf(point), hobby, `${title}: ${points}`);
    assert.ok(!points.includes(subject));
    assert.deepEqual(tags, [hobby], title);
    assert.equal(topic?.label, `${hobby}, a topic`);
    const titles = from.map((id) => posts.find((each) => each.id === id)?.title ?? "");
    assert.ok(titles.length > 0 && titles.every((each) => each.includes(subject)), `${title}: ${titles}`);
    assert.equal(new Set(titles).size, titles.length);
  }
});

test("where posts about a subject have nothing in common, an idea has no points", async () => {
  const ideas = await ideasOf(community(half).map((each) => ({ ...each, text: "", tags: [] })));
  assert.ok(ideas.length > 0);
  for (const { title, points, tags } of ideas) assert.deepEqual([points, tags], [[], []], title);
});

test("what two authors, or newcomers on trial, write of a subject is no point and no tag of it", async () => {
  const planting = (own: (i: number) => Partial<IdeaPost>) =>
    community(half).concat(
      Array.from({ length: 12 }, (_, i) =>
        post({ id: `p${i}`, title: `Evening ${i}, resin`, text: "Of bridges.", tags: ["valves"], ...own(i) }),
      ),
    );
  const saidOfBridges = async (posts: IdeaPost[]) =>
    (await ideasOf(posts))
      .filter(({ subject }) => subject === "bridges")
      .flatMap(({ points, tags }) => [...points, ...tags]);
  const planted = ["resin", "valves"];
  const among = (said: string[]) => planted.filter((each) => said.includes(each));
  assert.deepEqual(
    among(await saidOfBridges(planting((i) => ({ author: `${i % 5}` })))),
    planted,
    "five of old do say it",
  );
  assert.deepEqual(among(await saidOfBridges(planting((i) => ({ author: `${i % 2}` })))), [], "two authors");
  const tried = (i: number) => ({ author: `new ${i % 5}`, isOfNewcomer: true });
  assert.deepEqual(among(await saidOfBridges(planting(tried))), [], "on trial");
});

test("a hint of a language model that names what posts about its subject do not is left out", async () => {
  const maker = await makeIdeaPool({ now, posts: community(half), topics }, null);
  const [idea] = await maker.ideaOf(
    [
      {
        title: "Why would anybody want herons?",
        points: ["say how newts fare", "rosin for beginners", "a word of thanks"],
      },
    ],
    "model",
  );
  assert.deepEqual(idea.points, ["say how newts fare", "a word of thanks"]);
  assert.deepEqual(idea.tags, ["ponds"]);
});
