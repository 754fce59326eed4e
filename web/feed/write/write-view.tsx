import { Heading } from "../../shared/heading.tsx";
import { useProject } from "../../shared/project.ts";
import { useStored } from "../../shared/stored.ts";
import { Trouble } from "../../shared/trouble.tsx";
import { wordsOf } from "../people/profile.ts";
import { useOnce } from "../people/use-once.ts";
import { type Draft, publishPost, useDraft, type Written, writtenName } from "./draft.ts";
import { Reach } from "./reach.tsx";

/** Writes a post, and shows how it finds its readers. */
export function WriteView({ userId }: { userId: string }) {
  const { supabase } = useProject();
  const [draft, setDraft] = useDraft(userId);
  const { title, description, tags, earlier } = draft;
  const [written, setWritten] = useStored<Written | null>(writtenName, null);
  const { busy, error, once } = useOnce();

  /** What is changed is another text than the one that was sent. */
  function edit(change: Partial<Draft>): void {
    const { id: _, ...rest } = draft;
    setDraft({ ...rest, ...change });
  }

  async function publish(): Promise<void> {
    const id = draft.id ?? crypto.randomUUID();
    setDraft({ ...draft, id });
    const post = { id, author_id: userId, title: title.trim(), description, tags: wordsOf(tags) };
    await publishPost(supabase, post);
    setWritten({ post_id: id, title: post.title, author_id: userId, at: Date.now() });
    setDraft(earlier ?? null);
  }

  return (
    <div class="narrow stack">
      <Heading text="Write a post" />
      {written?.author_id === userId && <Reach key={written.post_id} written={written} />}
      {earlier && (
        <p class="card row spread">
          What you were writing before is kept.
          <button type="button" onClick={() => setDraft(earlier)}>
            Go back to it
          </button>
        </p>
      )}
      <form
        class="card"
        onSubmit={(event) => {
          event.preventDefault();
          once(publish);
        }}
      >
        <label>
          Title
          <input
            required
            maxLength={200}
            readOnly={busy}
            value={title}
            onInput={(event) => edit({ title: event.currentTarget.value })}
          />
        </label>
        <label>
          Text
          <textarea
            maxLength={50_000}
            readOnly={busy}
            value={description}
            onInput={(event) => edit({ description: event.currentTarget.value })}
          />
        </label>
        <label>
          Tags <small>A word each, with commas between</small>
          <input
            maxLength={1000}
            readOnly={busy}
            value={tags}
            onInput={(event) => edit({ tags: event.currentTarget.value })}
          />
        </label>
        {error !== undefined && <Trouble error={error} />}
        <div class="row">
          <button type="submit" class="main" disabled={busy || title.trim() === ""}>
            {busy ? "Publishing …" : "Publish"}
          </button>
          <a href="#ideas">No idea? Ask for some</a>
        </div>
      </form>
    </div>
  );
}
