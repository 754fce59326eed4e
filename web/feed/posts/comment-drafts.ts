import { useStored } from "../../shared/stored.ts";
import type { FeedOf } from "../use-feed.ts";

/** A comment that somebody began. */
export interface CommentDraft {
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
