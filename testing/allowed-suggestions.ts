/**
 * For tests: people and topics that a user might follow, by plain selects under their own role, compared with the
 * suggestions.
 */
import assert from "node:assert/strict";
import { type Facts, isMuted } from "./allowed-answers.ts";
import type { Client, PolicyPost } from "./random-policies.ts";

/** What was answered, and all that may be; `least`: how much of that has to be there. Asserts that each reason says what its reader may read. */
export async function suggestionsTo(client: Client, sub: string, { facts }: { facts: Facts }, limit: number) {
  const rowsOf = async (query: string, ...values: unknown[]) => (await client.query(query, values)).rows;
  // also posts dated ahead: they are in no feed, but their readers may have interacted with them
  const posts: Pick<PolicyPost, "id" | "author_id" | "tags">[] = await rowsOf(
    "select id, author_id, tags from public.posts",
  );
  const [people] = await rowsOf("select items from recsys_engine.people_to_follow($1, $2)", sub, limit);
  const toFollow = "select items from recsys_engine.topics_to_follow($1, $2, $3)";
  const [topics] = await rowsOf(toFollow, sub, limit, "topic");
  const [groups] = await rowsOf(toFollow, sub, limit, "group");
  const profiles = new Set((await rowsOf("select id from public.profiles")).map(({ id }) => id));
  const isRead = facts.feed !== "impersonal";
  const acts = isRead ? await rowsOf("select post_id from recsys.source_interactions where user_id = $1", sub) : [];
  const cameTo = new Set(acts.map(({ post_id }) => post_id));
  const follows: { user_id: string; kind: string; target: string }[] = await rowsOf(
    "select user_id, kind, target from public.follows",
  );
  const mutedOf = (kind: string) => facts.mutes.filter((mute) => mute.kind === kind).map(({ value }) => value);
  const own = follows.filter(({ user_id }) => user_id === sub);
  const followed = own.filter(({ kind }) => kind === "person").map(({ target }) => target);
  const friends = followed.filter(() => isRead).filter((id) => profiles.has(id) && !mutedOf("person").includes(id));
  const theirs = follows.filter(({ user_id }) => friends.includes(user_id));
  const targetsOf = (kind: string) => theirs.filter((each) => each.kind === kind).map(({ target }) => target);
  const known = posts.filter(({ id, author_id }) => cameTo.has(id) && author_id !== sub);
  // of more acts the latest count
  const least = acts.length <= 200 ? limit : 0;
  const suggested = [...known.flatMap(({ author_id }) => author_id ?? []), ...targetsOf("person")].filter(
    (id) =>
      id !== sub &&
      !facts.withheld.has(id) &&
      profiles.has(id) &&
      !followed.includes(id) &&
      !mutedOf("person").includes(id),
  );
  const small = (texts: string[]) => texts.map((text) => text.toLowerCase());
  const isFollowed = own.flatMap(({ kind, target }) => (kind === "person" ? [] : target));
  const left = new Set(small([...mutedOf("topic"), ...isFollowed]));
  const said = facts.mutes.filter(({ kind }) => /word|contains/.test(kind));
  const isNamed = (name: string) =>
    !left.has(name.toLowerCase()) &&
    !isMuted({ mutes: said }, { author_id: null, title: name, tags: [], description: "" });
  const namesOf = (names: string[]) => small(names.filter(isNamed));
  const tagged = known.flatMap(({ tags }) => tags);
  const ofGroups = new Set(small(follows.flatMap(({ kind, target }) => (kind === "group" ? target : []))));
  const groupTags = tagged.filter((tag) => ofGroups.has(tag.toLowerCase()));
  const answered: string[] = people.items.map((item: { user_id: string }) => item.user_id);
  const answeredTopics = small(topics.items.map((item: { topic: string }) => item.topic));
  const answeredGroups = small(groups.items.map((item: { group: string }) => item.group));
  for (const { user_id, topic, group, why } of [...people.items, ...topics.items, ...groups.items]) {
    const name = (topic ?? group)?.toLowerCase();
    const kind = topic ? "topic" : group ? "group" : "person";
    const isIt = (target: string) => target === user_id || target.toLowerCase() === name;
    for (const person of why.people ?? [])
      assert.ok(
        theirs.some((each) => each.user_id === person && isIt(each.target) && each.kind === kind),
        `${person} does not follow it`,
      );
    const read = posts.filter(({ author_id, tags }) => (name ? tags.some(isIt) : author_id === user_id));
    assert.ok((why.posts ?? 0) <= read.length, `${why.posts} of ${read.length} posts`);
  }
  const listed = (ids: string[]) => ids.map((id) => ({ id }));
  return {
    people: { answered, expected: listed(suggested) },
    topics: { answered: answeredTopics, expected: listed(namesOf([...tagged, ...targetsOf("topic")])) },
    groups: { answered: answeredGroups, expected: listed(namesOf([...groupTags, ...targetsOf("group")])) },
    least,
  };
}
