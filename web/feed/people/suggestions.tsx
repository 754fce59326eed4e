import type { SuggestionWhy } from "../../../client/src/types.ts";
import { Button, Trouble } from "../../shared/elements.tsx";
import { useLoaded } from "../../shared/hooks.ts";
import { isolated } from "../../shared/isolated.ts";
import { useProject } from "../../shared/project.ts";
import { followOf, listed } from "../actions.ts";
import { readNames } from "../app-tables.ts";
import { Failed } from "../failed.tsx";
import { useTheFeed } from "../use-feed.ts";

const most = 5;

/** Suggests people and topics to follow, and why. Those followed here stay, to be undone. */
export function Suggestions() {
  const { supabase, recommender } = useProject();
  const { userId, marks, act } = useTheFeed();
  const found = useLoaded(async () => {
    const [people, topics, groups] = await Promise.all([
      recommender.suggestions({ find: "people_to_follow", limit: most }),
      recommender.suggestions({ find: "topics_to_follow", limit: most }),
      recommender.suggestions({ find: "groups_to_follow", limit: most }),
    ]);
    const named = [...people.items, ...topics.items, ...groups.items].flatMap(({ why }) =>
      why.kind === "followed_by" ? why.people : [],
    );
    const ids = new Set([...people.items.map(({ user_id }) => user_id), ...named]);
    const names = await readNames(supabase, [...ids]);
    const nameOf = (id: string) => names.get(id) ?? "a member";
    const sayWhy = (why: SuggestionWhy, posts: string) => {
      if (why.kind === "came_to_posts") return `You read ${why.posts} ${why.posts === 1 ? "post" : "posts"} ${posts}`;
      if (why.kind === "similar") return "Has interests like yours";
      return `Followed by ${listed(why.people.map((id) => isolated(nameOf(id))))}, whom you follow`;
    };
    return [
      ...people.items.map(({ user_id: value, why }) => ({
        ...{ of: "person" as const, value, label: nameOf(value), why: sayWhy(why, "by them") },
      })),
      ...topics.items.map(({ topic: value, why }) => ({
        ...{ of: "topic" as const, value, label: `#${value}`, why: sayWhy(why, "about it") },
      })),
      ...groups.items.map(({ group: value, why }) => ({
        ...{ of: "group" as const, value, label: `“${value}”`, why: sayWhy(why, "in it") },
      })),
    ];
  }, [userId]);

  return (
    <section class="card stack" aria-labelledby="suggestions">
      <h2 id="suggestions">Whom and what to follow</h2>
      {found.error !== undefined && <Trouble error={found.error} again={found.again} />}
      {found.value?.length === 0 && <p class="soft">Nobody and nothing yet: open or vote for a few posts first.</p>}
      <ul class="list">
        {found.value?.map(({ why, ...choice }) => {
          const isFollowed = marks.get(followOf(choice)) ?? false;
          return (
            <li key={followOf(choice)} class="stack">
              <div class="row spread one-line">
                <span>
                  <strong dir="auto">{choice.label}</strong>
                  <br />
                  <span class="soft small">{why}</span>
                </span>
                <Button
                  aria-pressed={isFollowed}
                  onClick={() => act({ kind: isFollowed ? "unfollow" : "follow", ...choice })}
                >
                  {isFollowed ? "Following" : "Follow"}
                  <span class="hidden">{choice.label}</span>
                </Button>
              </div>
              <Failed place={followOf(choice)} />
            </li>
          );
        })}
      </ul>
    </section>
  );
}
