import { useState } from "preact/hooks";
import { Heading } from "../../shared/heading.tsx";
import { useProject } from "../../shared/project.ts";
import { rows } from "../../shared/rows.ts";
import { useStored } from "../../shared/stored.ts";
import { Trouble } from "../../shared/trouble.tsx";
import { wordsOf } from "../people/profile.ts";
import { takeDraft } from "./draft.ts";
import { Reach } from "./reach.tsx";
import { type Written, writtenName } from "./written.ts";

/** Writes a post, and shows how it finds its readers. */
export function WriteView({ userId }: { userId: string }) {
  const { supabase } = useProject();
  const [draft] = useState(takeDraft);
  const [title, setTitle] = useState(draft.title);
  const [description, setDescription] = useState(draft.description);
  const [tags, setTags] = useState(draft.tags.join(", "));
  const [written, setWritten] = useStored<Written | null>(writtenName, null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();

  async function publish(event: Event): Promise<void> {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    const post_id = crypto.randomUUID();
    const post = { id: post_id, author_id: userId, title: title.trim(), description, tags: wordsOf(tags) };
    try {
      await rows(supabase.from("posts").insert(post));
      setWritten({ post_id, title: post.title, author_id: userId, at: Date.now() });
      setTitle("");
      setDescription("");
      setTags("");
    } catch (error) {
      setError(error);
    }
    setBusy(false);
  }

  return (
    <div class="narrow stack">
      <Heading text="Write a post" />
      {written?.author_id === userId && <Reach key={written.post_id} written={written} />}
      <form class="card" onSubmit={publish}>
        <label>
          Title
          <input required maxLength={200} value={title} onInput={(event) => setTitle(event.currentTarget.value)} />
        </label>
        <label>
          Text
          <textarea
            maxLength={50_000}
            value={description}
            onInput={(event) => setDescription(event.currentTarget.value)}
          />
        </label>
        <label>
          Tags <small>A word each, with commas between</small>
          <input maxLength={1000} value={tags} onInput={(event) => setTags(event.currentTarget.value)} />
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
