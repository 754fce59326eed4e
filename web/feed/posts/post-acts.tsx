import { useRef } from "preact/hooks";
import { Button } from "../../shared/elements.tsx";
import { followOf, muteOf, voteOn } from "../actions.ts";
import type { AppPost, Item } from "../app-tables.ts";
import { Failed } from "../failed.tsx";
import { useTheFeed } from "../use-feed.ts";

interface PostActsProps {
  item: Item;
  isOpen: boolean;
  open(): void;
}

/** What a member can do with a post of their feed. */
export function PostActs({ item: { post_id, title }, isOpen, open }: PostActsProps) {
  const { posts, act } = useTheFeed();
  const post = posts.get(post_id);
  return (
    <div class="row acts">
      <VoteButton post={{ post_id, title }} otherwise={false} />
      <Button onClick={open}>
        {isOpen ? "Close" : "Comment"}
        <span class="hidden">on {title}</span>
      </Button>
      <Button onClick={() => act({ kind: "dismiss", post_id, title })}>
        Not for me
        <span class="hidden">is {title}</span>
      </Button>
      {post && <ChoiceMenu verb="follow" post={post} />}
      {post && <ChoiceMenu verb="mute" post={post} />}
    </div>
  );
}

/** Takes back that a post was dismissed. */
export function UndoDismissal({ post_id, title }: { post_id: string; title: string }) {
  const { act } = useTheFeed();
  return (
    <Button onClick={() => act({ kind: "undismiss", post_id, title })}>
      Undo
      <span class="hidden">that you dismissed {title}</span>
    </Button>
  );
}

interface VoteButtonProps {
  post: { post_id: string; title: string };
  /** Where nothing is known of a vote: whether there is one. */
  otherwise: boolean;
}

/** Votes for a post, or takes the vote back. */
export function VoteButton({ post: { post_id, title }, otherwise }: VoteButtonProps) {
  const { marks, act } = useTheFeed();
  const hasVoted = marks.get(voteOn(post_id)) ?? otherwise;
  return (
    <Button aria-pressed={hasVoted} onClick={() => act({ kind: hasVoted ? "unvote" : "vote", post_id, title })}>
      <span aria-hidden="true">▲</span> {hasVoted ? "Voted" : "Vote"}
      <span class="hidden">for {title}</span>
    </Button>
  );
}

const verbs = {
  follow: { markOf: followOf, undo: "unfollow", say: "Follow", done: "Following" },
  mute: { markOf: muteOf, undo: "unmute", say: "Mute", done: "Muted" },
} as const;

interface ChoiceMenuProps {
  verb: keyof typeof verbs;
  post: AppPost;
}

/** A post's author and tags, for its reader to want more or less of. A choice can be undone in its place. */
function ChoiceMenu({ verb, post }: ChoiceMenuProps) {
  const { marks, act } = useTheFeed();
  const menu = useRef<HTMLDetailsElement>(null);
  const { markOf, undo, say, done } = verbs[verb];
  const choices = [
    ...(post.author_id ? [{ of: "person" as const, value: post.author_id, label: post.author }] : []),
    ...post.tags.slice(0, 5).map((tag) => ({ of: "topic" as const, value: tag, label: `#${tag}` })),
  ];
  if (choices.length === 0) return null;

  function close({ key }: KeyboardEvent): void {
    if (key !== "Escape" || !menu.current?.open) return;
    menu.current.open = false;
    menu.current.querySelector("summary")?.focus();
  }

  return (
    <details class="menu" ref={menu} onKeyDown={close}>
      <summary>
        {say}
        <span class="hidden">somebody or something of {post.title}</span>
      </summary>
      <div class="row">
        {choices.map((choice) => {
          const isDone = marks.get(markOf(choice)) ?? false;
          return (
            <Button
              key={markOf(choice)}
              aria-pressed={isDone}
              onClick={() => act({ kind: isDone ? undo : verb, ...choice })}
            >
              {isDone ? `${done} ${choice.label} · Undo` : `${say} ${choice.label}`}
            </Button>
          );
        })}
      </div>
      {choices.map((choice) => (
        <Failed key={markOf(choice)} place={markOf(choice)} />
      ))}
    </details>
  );
}
