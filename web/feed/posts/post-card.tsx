import { useState } from "preact/hooks";
import { Trouble } from "../../shared/trouble.tsx";
import type { Act } from "../acts.ts";
import type { Change } from "../feed-changes.ts";
import type { Item } from "../item.ts";
import type { FeedOf } from "../use-feed.ts";
import { ChangeBadge } from "./change-badge.tsx";
import { DismissedPost } from "./dismissed-post.tsx";
import { MuteMenu } from "./mute-menu.tsx";
import { OpenedPost } from "./opened-post.tsx";
import { PredictedReactions } from "./predicted-reactions.tsx";
import type { Post } from "./read-posts.ts";
import { sayWhy } from "./say-why.ts";

interface PostCardProps {
  item: Item;
  posts: ReadonlyMap<string, Post>;
  /** Undefined: it kept its place. */
  change: Change | undefined;
  /** There is nothing to have moved from. */
  isFirstFeed: boolean;
  /** Of whoever may act; undefined: a visitor, who may look only. */
  act?: FeedOf["act"];
  userId?: string;
}

/** A post of the feed: why it is there, what its reader is expected to do, and what they can do. */
export function PostCard({ item, posts, change, isFirstFeed, act, userId }: PostCardProps) {
  const { post_id, title } = item;
  const post = posts.get(post_id);
  const [isOpen, setOpen] = useState(false);
  const [hasVoted, setVoted] = useState(false);
  const [isDismissed, setDismissed] = useState(false);
  const [error, setError] = useState<unknown>();
  const topic = item.topic?.label ?? post?.tags[0];

  /** Does something; where it fails, says so on the card. */
  async function attempt(what: Act): Promise<boolean> {
    setError(undefined);
    try {
      await act?.(what);
      return true;
    } catch (error) {
      setError(error);
      return false;
    }
  }

  async function open(): Promise<void> {
    setOpen(!isOpen);
    if (!isOpen && act) await attempt({ kind: "view", post_id, title });
  }

  async function vote(): Promise<void> {
    setVoted(!hasVoted);
    if (!(await attempt({ kind: hasVoted ? "unvote" : "vote", post_id, title }))) setVoted(hasVoted);
  }

  async function dismiss(): Promise<void> {
    if (await attempt({ kind: "dismiss", post_id, title })) setDismissed(true);
  }

  if (isDismissed) return <DismissedPost {...item} />;
  return (
    <li class="card post" id={post_id} data-moved={change && !isFirstFeed ? "" : undefined}>
      <p class="row above">
        <span class="place">{item.position}</span>
        {topic && <span class="chip">{topic}</span>}
        {!isFirstFeed && change && <ChangeBadge change={change} />}
      </p>
      <h2>
        <button type="button" class="plain title" dir="auto" aria-expanded={isOpen} onClick={open}>
          {title}
        </button>
      </h2>
      <p class="why">{sayWhy(item.why, item.basis, posts)}</p>
      <PredictedReactions predictions={item.predictions} isExplained={item.position === 1} />
      {act && userId && (
        <div class="row acts">
          <button type="button" aria-pressed={hasVoted} onClick={vote}>
            <span aria-hidden="true">▲</span> {hasVoted ? "Voted" : "Vote"}
            <span class="hidden">for {title}</span>
          </button>
          <button type="button" onClick={open}>
            {isOpen ? "Close" : "Comment"}
            <span class="hidden">on {title}</span>
          </button>
          <button type="button" onClick={dismiss}>
            Not for me
            <span class="hidden">is {title}</span>
          </button>
          {post && <MuteMenu post={post} userId={userId} act={act} />}
        </div>
      )}
      {error !== undefined && <Trouble error={error} />}
      {isOpen && (
        <OpenedPost
          post={post}
          {...(act && { comment: (body) => attempt({ kind: "comment", post_id, title, body }) })}
        />
      )}
    </li>
  );
}
