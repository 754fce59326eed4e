import { useEffect, useState } from "preact/hooks";
import { Button, Form, Trouble } from "../../shared/elements.tsx";
import { useLoaded, useStored } from "../../shared/hooks.ts";
import { useProject } from "../../shared/project.ts";
import { type AppPost, readComments } from "../app-tables.ts";
import { Failed } from "../failed.tsx";
import { useTheFeed } from "../use-feed.ts";
import { Byline } from "./byline.tsx";

/** The latest comments on a post, and a line for another, which stays until it is stored. */
export function Comments({ post: { id: post_id, title } }: { post: Pick<AppPost, "id" | "title"> }) {
  const { supabase } = useProject();
  const { pending } = useTheFeed();
  const { drafts, edit, send } = useCommentDrafts();
  const draft = drafts[post_id] ?? { title, body: "" };
  const isSending = pending.some((act) => act.kind === "comment" && act.post_id === post_id);
  const comments = useLoaded(() => readComments(supabase, post_id), [post_id, isSending]);

  function submit(): void {
    if (draft.body.trim() !== "" && !isSending) send(post_id, draft);
  }

  return (
    <>
      {comments.error !== undefined && <Trouble error={comments.error} again={comments.again} />}
      {comments.value !== undefined && comments.value.length > 0 && (
        <ul class="list" aria-label="Comments">
          {comments.value.map(({ id, body, author, created_at }) => (
            <li key={id} class="boxed">
              <Byline author={author} created_at={created_at} />
              <p dir="auto">{body}</p>
            </li>
          ))}
        </ul>
      )}
      <Form class="row one-line" onSend={submit}>
        <input
          aria-label="Your comment"
          placeholder="Write a comment"
          dir="auto"
          maxLength={10_000}
          readOnly={isSending}
          value={draft.body}
          onInput={({ currentTarget: { value } }) => edit(post_id, value === "" ? null : { title, body: value })}
        />
        <button type="submit" aria-disabled={isSending}>
          {isSending ? "Sending …" : "Send"}
        </button>
      </Form>
      <Failed place={`comment ${post_id}`} again={submit} />
    </>
  );
}

/** A comment that a user began. */
interface CommentDraft {
  /** Of its post. */
  title: string;
  body: string;
  /** It is on its way under this id; sent again under it, it is stored once. */
  id?: string;
}

type ByPost = Readonly<Record<string, CommentDraft>>;

const none: ByPost = {};

/** A user's comments by post, until they are stored. */
function useCommentDrafts() {
  const { userId, act } = useTheFeed();
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
    const isStored = await act({ kind: "comment", id, post_id, title, body: body.trim() });
    // refused, it is a draft again; without a network it is on its way until the next visit
    edit(post_id, isStored ? null : { title, body });
  }

  return { drafts, edit, send };
}

/** Comments that were begun on posts which have left the feed since: who opened a post is not shown it again. */
export function UnfinishedComments() {
  const { items } = useTheFeed();
  const { drafts, edit, send } = useCommentDrafts();
  const [opened, setOpened] = useState<string>();
  useEffect(() => {
    // on their way when the page ended: whether they are stored is known once they are sent again
    for (const [post_id, draft] of Object.entries(drafts)) if (draft.id) send(post_id, draft);
  }, []);
  const shown = new Set(items.map(({ post_id }) => post_id));
  if (items.length === 0) return null;
  return Object.entries(drafts)
    .filter(([post_id, { id }]) => !shown.has(post_id) && !(id && post_id !== opened))
    .map(([post_id, { title }]) => (
      <section key={post_id} class="card stack" aria-label={`Unfinished comment on ${title}`}>
        <div class="row spread">
          <p>
            You began a comment on <strong dir="auto">{title}</strong>
          </p>
          <div class="row">
            {opened !== post_id && <Button onClick={() => setOpened(post_id)}>Go on</Button>}
            <Button onClick={() => edit(post_id, null)}>Discard</Button>
          </div>
        </div>
        {opened === post_id && <Comments post={{ id: post_id, title }} />}
      </section>
    ));
}
