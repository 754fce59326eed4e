import { useEffect, useState } from "preact/hooks";
import { Button, Form, Heading, TextField, Trouble } from "../../shared/elements.tsx";
import { useOnce, useStored } from "../../shared/hooks.ts";
import { useProject } from "../../shared/project.ts";
import { publishPost, wordsBetweenCommas } from "../app-tables.ts";
import { Withhold } from "../people/visibility-toggle.tsx";
import { type DraftIdea, type PostDraft, useDraft, type WatchedPost, writtenName } from "./draft.ts";
import { Points } from "./points.tsx";

/** Writes a post, and shows how it finds its readers. */
export function WriteView({ userId }: { userId: string }) {
  const { supabase } = useProject();
  const [draft, setDraft] = useDraft(userId);
  const { title, description, tags, idea, earlier } = draft;
  const [written, setWritten] = useStored<WatchedPost | null>(writtenName, null);
  const { busy, error, once } = useOnce();

  /** What is changed is another text than the one that was sent. */
  function edit(change: Partial<PostDraft>): void {
    const { id: _, ...rest } = draft;
    setDraft({ ...rest, ...change });
  }

  async function publish(): Promise<void> {
    const id = draft.id ?? crypto.randomUUID();
    setDraft({ ...draft, id });
    const post = { draft_id: id, author_id: userId, title: title.trim(), description, tags: wordsBetweenCommas(tags) };
    const post_id = await publishPost(supabase, post);
    setWritten({ post_id, title: post.title, author_id: userId });
    setDraft(earlier ?? null);
  }

  return (
    <div class="narrow stack">
      <Heading text="Write a post" />
      {written?.author_id === userId && <Reach key={written.post_id} written={written} />}
      {earlier && (
        <p class="card row spread">
          What you were writing before is kept.
          <Button onClick={() => setDraft(earlier)}>Go back to it</Button>
        </p>
      )}
      {idea && <FromIdea idea={idea} draft={draft} busy={busy} edit={edit} />}
      <Form onSend={() => once(publish)}>
        <TextField
          label="Title"
          required
          maxLength={200}
          readOnly={busy}
          value={title}
          onText={(title) => edit({ title })}
        />
        <TextField
          label="Text"
          isLong
          maxLength={50_000}
          readOnly={busy}
          value={description}
          onText={(description) => edit({ description })}
        />
        <TextField
          label="Tags"
          hint="A word each, with commas between"
          maxLength={1000}
          readOnly={busy}
          value={tags}
          onText={(tags) => edit({ tags })}
        />
        {error !== undefined && <Trouble error={error} />}
        <div class="row">
          <button type="submit" class="main" disabled={busy || title.trim() === ""}>
            {busy ? "Publishing …" : "Publish"}
          </button>
          <a href="#ideas">No idea? Ask for some</a>
        </div>
      </Form>
    </div>
  );
}

interface FromIdeaProps {
  idea: DraftIdea;
  draft: PostDraft;
  busy: boolean;
  edit: (change: Partial<PostDraft>) => void;
}

/** Shows the idea behind a draft and the parts that its writer may take over. */
function FromIdea({ idea, draft, busy, edit }: FromIdeaProps) {
  const tags = wordsBetweenCommas(draft.tags);
  return (
    <section class="card stack" aria-label="The idea">
      <p>
        An idea for its title: “<bdi>{idea.title}</bdi>”
      </p>
      {idea.points.length > 0 && <Points points={idea.points} />}
      <div class="row">
        <Button disabled={busy || draft.title === idea.title} onClick={() => edit({ title: idea.title })}>
          Take this title
        </Button>
        {idea.tags.map((tag) => (
          <Button
            key={tag}
            disabled={busy || tags.includes(tag)}
            onClick={() => edit({ tags: [...tags, tag].join(", ") })}
          >
            Add tag <bdi>{tag}</bdi>
          </Button>
        ))}
        <Button disabled={busy} onClick={() => edit({ idea: undefined })}>
          Put it away
        </Button>
      </div>
    </section>
  );
}

const everyMilliseconds = 1500;
const patienceMilliseconds = 60_000;

/** Waits until a new post has its vector, and says how many people it may reach. */
function Reach({ written }: { written: WatchedPost }) {
  const { recommender, config } = useProject();
  /** null: too few to say. */
  const [people, setPeople] = useState<number | null>();
  const [error, setError] = useState<unknown>();
  const [isLate, setLate] = useState(false);

  useEffect(() => {
    const gone = new AbortController();
    const { signal } = gone;
    async function ask(): Promise<void> {
      const { post_id } = written;
      const { items } = await recommender.similar({ post_id, limit: 1 }, { signal });
      if (items.length === 0) {
        if (performance.now() - begun > patienceMilliseconds) setLate(true);
        else timer = setTimeout(() => ask().catch(fail), everyMilliseconds);
        return;
      }
      const reach = await recommender.similar({ find: "reach", post_id }, { signal });
      if (!signal.aborted) setPeople(reach.people);
    }
    const fail = (error: unknown) => signal.aborted || setError(error);
    const begun = performance.now();
    let timer: ReturnType<typeof setTimeout> | undefined;
    ask().catch(fail);
    return () => {
      gone.abort();
      clearTimeout(timer);
    };
  }, [written, recommender]);

  return (
    <section class="card moved stack" aria-label="How your post finds its readers">
      <h2>
        “<bdi>{written.title}</bdi>” is published
      </h2>
      <p role="status">
        {people !== undefined
          ? `It can be recommended now. ${people === null ? "Fewer than ten people" : `About ${people} people`} read posts like it in the last four weeks.`
          : isLate
            ? "It cannot be recommended yet. That begins by itself, and there is nothing left for you to do."
            : "Finding out whom it may interest …"}
      </p>
      {people !== undefined && config.members && <p class="soft">Be somebody else to see where it arrives.</p>}
      <Withhold userId={written.author_id} postId={written.post_id} text="Recommend it only to people who follow me" />
      {error !== undefined && <Trouble error={error} />}
    </section>
  );
}
