import { useEffect, useState } from "preact/hooks";
import { useProject } from "../../shared/project.ts";
import { Trouble } from "../../shared/trouble.tsx";
import type { Written } from "./draft.ts";

const everyMilliseconds = 1500;
const patienceMilliseconds = 60_000;

/** Waits until a new post has its vector, and says how many people it may reach. */
export function Reach({ written }: { written: Written }) {
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
      <h2>“{written.title}” is published</h2>
      <p role="status">
        {people !== undefined
          ? `It has been read. ${people === null ? "Fewer than ten people" : `About ${people} people`} came to posts like it in the last four weeks.`
          : isLate
            ? "It has not been read yet. It reaches people as soon as it is; nothing is left for you to do."
            : "Finding out whom it may interest …"}
      </p>
      {people !== undefined && config.members && <p class="soft">Be somebody else to see where it arrives.</p>}
      {error !== undefined && <Trouble error={error} />}
    </section>
  );
}
