import { useProject } from "../../shared/project.ts";
import { rows } from "../../shared/rows.ts";
import { useStored } from "../../shared/stored.ts";
import { Trouble } from "../../shared/trouble.tsx";
import { useLoaded } from "../../shared/use-loaded.ts";
import { Failed } from "../failed.tsx";
import type { FeedOf } from "../use-feed.ts";
import type { Post } from "./read-posts.ts";

interface Comment {
  id: number;
  body: string;
  created_at: string;
}

interface Draft {
  body: string;
  /** Under which id this text was sent already, and perhaps stored; sent again under it, it is stored once. */
  id?: string;
}

const nothing: Draft = { body: "" };

/** The latest comments on a post, and a line for another, which stays until it is stored. */
export function Comments({ post, feed, userId }: { post: Post; feed: FeedOf; userId: string }) {
  const { supabase } = useProject();
  const { id: post_id, title } = post;
  const [{ body, id }, setDraft] = useStored(`draft of ${userId} on ${post_id}`, nothing);
  const isSending = feed.pending.some((act) => act.kind === "comment" && act.post_id === post_id);
  const comments = useLoaded<Comment[]>(
    () =>
      rows(
        supabase
          .from("comments")
          .select("id, body, created_at")
          .eq("post_id", post_id)
          .order("created_at", { ascending: false })
          .limit(5),
      ),
    [post_id, isSending],
  );
  const written = comments.value?.filter((comment) => comment.body !== "") ?? [];

  async function send(): Promise<void> {
    if (body.trim() === "" || isSending) return;
    const sent = { kind: "comment" as const, id: id ?? crypto.randomUUID(), post_id, title, body: body.trim() };
    setDraft({ body, id: sent.id });
    if (await feed.act(sent)) setDraft(nothing);
  }

  return (
    <>
      {comments.error !== undefined && <Trouble error={comments.error} again={comments.again} />}
      {written.length > 0 && (
        <ul class="comments" aria-label="Comments">
          {written.map(({ id, body }) => (
            <li key={id} dir="auto">
              {body}
            </li>
          ))}
        </ul>
      )}
      <form
        class="row one-line"
        onSubmit={(event) => {
          event.preventDefault();
          send();
        }}
      >
        <input
          aria-label="Your comment"
          placeholder="Write a comment"
          maxLength={10_000}
          readOnly={isSending}
          value={body}
          onInput={({ currentTarget: { value } }) => setDraft(value === "" ? nothing : { body: value })}
        />
        <button type="submit" aria-disabled={isSending}>
          {isSending ? "Sending …" : "Send"}
        </button>
      </form>
      <Failed feed={feed} place={`comment ${post_id}`} again={send} />
    </>
  );
}
