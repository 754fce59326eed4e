import { useRef, useState } from "preact/hooks";
import { useProject } from "../../shared/project.ts";
import { Trouble } from "../../shared/trouble.tsx";
import { mute } from "../people/mutes.ts";
import type { FeedOf } from "../use-feed.ts";
import type { Post } from "./read-posts.ts";

/** Of what a post is, what its reader may want to see no more of: its author, its tags. */
export function MuteMenu({ post, userId, act }: { post: Post; userId: string; act: FeedOf["act"] }) {
  const { supabase } = useProject();
  const menu = useRef<HTMLDetailsElement>(null);
  const [muted, setMuted] = useState<string[]>([]);
  const [error, setError] = useState<unknown>();
  const choices = [
    ...(post.author_id ? [{ of: "person" as const, value: post.author_id, label: post.author }] : []),
    ...post.tags.slice(0, 5).map((tag) => ({ of: "topic" as const, value: tag, label: `#${tag}` })),
  ];
  if (choices.length === 0) return null;

  async function choose(choice: (typeof choices)[number]): Promise<void> {
    setError(undefined);
    try {
      await mute(supabase, userId, choice);
      setMuted([...muted, choice.value]);
      await act({ kind: "mute", ...choice });
    } catch (error) {
      setError(error);
    }
  }

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
        {choices.map((choice) => (
          <button
            type="button"
            key={choice.value}
            disabled={muted.includes(choice.value)}
            onClick={() => choose(choice)}
          >
            {muted.includes(choice.value) ? "Muted" : "Mute"} {choice.label}
          </button>
        ))}
      </div>
      {error !== undefined && <Trouble error={error} />}
    </details>
  );
}
