import { useState } from "preact/hooks";
import { useProject } from "../../shared/project.ts";
import { rows } from "../../shared/rows.ts";
import { Trouble } from "../../shared/trouble.tsx";
import { useLoaded } from "../../shared/use-loaded.ts";

interface Comment {
  id: number;
  body: string;
  created_at: string;
}

/** The latest comments on a post, and a line for another. */
export function Comments({ postId, write }: { postId: string; write(body: string): Promise<boolean> }) {
  const { supabase } = useProject();
  const [body, setBody] = useState("");
  const comments = useLoaded<Comment[]>(
    () =>
      rows(
        supabase
          .from("comments")
          .select("id, body, created_at")
          .eq("post_id", postId)
          .order("created_at", { ascending: false })
          .limit(5),
      ),
    [postId],
  );
  const written = comments.value?.filter((comment) => comment.body !== "") ?? [];
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
        onSubmit={async (event) => {
          event.preventDefault();
          if (body.trim() === "" || !(await write(body.trim()))) return;
          setBody("");
          comments.again();
        }}
      >
        <input
          aria-label="Your comment"
          placeholder="Write a comment"
          maxLength={10_000}
          value={body}
          onInput={(event) => setBody(event.currentTarget.value)}
        />
        <button type="submit">Send</button>
      </form>
    </>
  );
}
