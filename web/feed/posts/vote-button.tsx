import { voteOn } from "../marks.ts";
import type { FeedOf } from "../use-feed.ts";

interface VoteButtonProps {
  feed: FeedOf;
  post: { post_id: string; title: string };
  /** Where nothing is known of a vote: whether there is one. */
  otherwise: boolean;
}

/** Votes for a post, or takes the vote back. */
export function VoteButton({ feed: { marks, act }, post: { post_id, title }, otherwise }: VoteButtonProps) {
  const hasVoted = marks.get(voteOn(post_id)) ?? otherwise;
  return (
    <button
      type="button"
      aria-pressed={hasVoted}
      onClick={() => act({ kind: hasVoted ? "unvote" : "vote", post_id, title })}
    >
      <span aria-hidden="true">▲</span> {hasVoted ? "Voted" : "Vote"}
      <span class="hidden">for {title}</span>
    </button>
  );
}
