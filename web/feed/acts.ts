import type { NewEvent } from "../../client/src/index.ts";
import type { Post } from "./posts/read-posts.ts";

/** What somebody did since their feed was made, as far as it changes the next one. */
export type Act =
  | { kind: "view" | "vote" | "unvote" | "dismiss" | "undismiss"; post_id: string; title: string }
  | { kind: "comment"; id: string; post_id: string; title: string; body: string }
  | { kind: "seen"; post_id: string; title: string; request_id: string }
  | { kind: "mute" | "unmute"; of: "person" | "topic" | "word"; value: string; label: string }
  | { kind: "profile" };

/** The event that tells the recommender; undefined: it reads it from the app's own tables. */
export function eventOf(act: Act): NewEvent | undefined {
  switch (act.kind) {
    case "view":
    case "dismiss":
      return { type: act.kind, post_id: act.post_id };
    case "undismiss":
      return { type: "dismiss", post_id: act.post_id, value: 0 };
    case "vote":
    case "unvote":
      return { type: "vote", post_id: act.post_id, value: act.kind === "vote" ? 1 : 0 };
    case "comment":
      return { type: "comment", id: act.id, post_id: act.post_id, body: act.body };
    case "seen":
      return { type: "seen", post_id: act.post_id, request_id: act.request_id };
    default:
      return undefined;
  }
}

/** What somebody did to a post, before its title. */
export const did = {
  view: "opened",
  vote: "voted for",
  unvote: "took back your vote for",
  comment: "commented on",
  dismiss: "dismissed",
  undismiss: "took back that you dismissed",
  seen: "saw",
};

/** Why an act takes a post out of the feed; undefined: it does not. Of what was taken back again nothing may be left: see netOf. */
export function whyGone(post_id: string, post: Post | undefined, acts: Act[]): string | undefined {
  for (const act of acts.toReversed()) {
    if (act.kind === "mute") {
      const isOfIt = act.of === "person" ? post?.author_id === act.value : post?.tags.includes(act.value);
      if (isOfIt) return `You muted ${act.label}`;
    } else if ("post_id" in act && act.post_id === post_id) {
      if (act.kind === "dismiss") return "You dismissed it";
      if (act.kind !== "unvote" && act.kind !== "undismiss")
        return `You ${did[act.kind]} it, so it is no longer new to you`;
    }
  }
  return undefined;
}
