import type { Item } from "../item.ts";
import { voteOn } from "../marks.ts";
import type { FeedOf } from "../use-feed.ts";
import { MuteMenu } from "./mute-menu.tsx";

interface PostActsProps {
  item: Item;
  feed: FeedOf;
  isOpen: boolean;
  open(): void;
}

/** What a member can do with a post of their feed. */
export function PostActs({ item: { post_id, title }, feed, isOpen, open }: PostActsProps) {
  const { posts, act } = feed;
  const post = posts.get(post_id);
  return (
    <div class="row acts">
      <VoteButton feed={feed} post={{ post_id, title }} otherwise={false} />
      <button type="button" onClick={open}>
        {isOpen ? "Close" : "Comment"}
        <span class="hidden">on {title}</span>
      </button>
      <button type="button" onClick={() => act({ kind: "dismiss", post_id, title })}>
        Not for me
        <span class="hidden">is {title}</span>
      </button>
      {post && <MuteMenu post={post} feed={feed} />}
    </div>
  );
}

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
