import { useRef } from "preact/hooks";
import { Failed } from "../failed.tsx";
import { muteOf } from "../marks.ts";
import type { FeedOf } from "../use-feed.ts";
import type { Post } from "./read-posts.ts";

/** Of what a post is, what its reader may want to see no more of: its author, its tags. What is muted can be undone in its place. */
export function MuteMenu({ post, feed }: { post: Post; feed: FeedOf }) {
  const { marks, act } = feed;
  const menu = useRef<HTMLDetailsElement>(null);
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
        Mute<span class="hidden">somebody or something of {post.title}</span>
      </summary>
      <div class="row">
        {choices.map((choice) => {
          const isMuted = marks.get(muteOf(choice)) ?? false;
          return (
            <button
              type="button"
              key={muteOf(choice)}
              aria-pressed={isMuted}
              onClick={() => act({ kind: isMuted ? "unmute" : "mute", ...choice })}
            >
              {isMuted ? `Muted ${choice.label} · Undo` : `Mute ${choice.label}`}
            </button>
          );
        })}
      </div>
      {choices.map((choice) => (
        <Failed key={muteOf(choice)} feed={feed} place={muteOf(choice)} />
      ))}
    </details>
  );
}
