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

interface CommentsProps {
  post: Pick<Post, "id" | "title">;
  feed: FeedOf;
  userId: string;
}

/** The latest comments on a post, and a line for another, which stays until it is stored. */
export function Comments({ post, feed, userId }: CommentsProps) {
  const { supabase } = useProject();
  const { id: post_id, title } = post;
  const { drafts, edit, send } = useCommentDrafts(userId, feed);
  const draft = drafts[post_id] ?? { title, body: "" };
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

  function submit(): void {
    if (draft.body.trim() !== "" && !isSending) send(post_id, draft);
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
          submit();
        }}
      >
        <input
          aria-label="Your comment"
          placeholder="Write a comment"
          maxLength={10_000}
          readOnly={isSending}
          value={draft.body}
          onInput={({ currentTarget: { value } }) => edit(post_id, value === "" ? null : { title, body: value })}
        />
        <button type="submit" aria-disabled={isSending}>
          {isSending ? "Sending …" : "Send"}
        </button>
      </form>
      <Failed feed={feed} place={`comment ${post_id}`} again={submit} />
    </>
  );
}

/** A comment that somebody began. */
interface CommentDraft {
  /** Of its post. */
  title: string;
  body: string;
  /** It is on its way under this id; sent again under it, it is stored once. */
  id?: string;
}

type ByPost = Readonly<Record<string, CommentDraft>>;

const none: ByPost = {};

/** Somebody's comments by post, until they are stored. */
export function useCommentDrafts(userId: string, feed: FeedOf) {
  const [drafts, change] = useStored(`comments of ${userId}`, none);

  /** null: there is none any more. */
  function edit(post_id: string, draft: CommentDraft | null): void {
    change(({ [post_id]: _, ...others }) => {
      if (draft) return { ...others, [post_id]: draft };
      return Object.keys(others).length > 0 ? others : none;
    });
  }

  async function send(post_id: string, draft: CommentDraft): Promise<void> {
    const { title, body } = draft;
    const id = draft.id ?? crypto.randomUUID();
    edit(post_id, { title, body, id });
    const act = { kind: "comment" as const, id, post_id, title, body: body.trim() };
    // refused, it is a draft again; without a network it is on its way until the next visit
    edit(post_id, (await feed.act(act)) ? null : { title, body });
  }

  return { drafts, edit, send };
}
