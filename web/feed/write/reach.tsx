import { useEffect, useState } from "preact/hooks";
import type { SimilarPerson } from "../../../client/src/index.ts";
import { useProject } from "../../shared/project.ts";
import { rows } from "../../shared/rows.ts";
import { Trouble } from "../../shared/trouble.tsx";
import { findMembers, type Named, nameOf } from "../people/profile.ts";
import { signIn } from "../people/sign-in.ts";
import type { Written } from "./draft.ts";

interface Reached {
  /** Seconds from writing until its vector was there. */
  after: number;
  audience: (SimilarPerson & { name: string })[];
}

const everyMilliseconds = 1500;
const patienceMilliseconds = 60_000;

/** Waits until a new post has its vector, says whom it may interest, and lets one look at it through their eyes. */
export function Reach({ written }: { written: Written }) {
  const project = useProject();
  const { supabase, recommender, config } = project;
  const [reached, setReached] = useState<Reached>();
  const [error, setError] = useState<unknown>();
  const [isLate, setLate] = useState(false);

  useEffect(() => {
    const gone = new AbortController();
    async function ask(): Promise<void> {
      const request = { find: "people" as const, post_id: written.post_id, limit: 5 };
      const { items } = await recommender.similar(request, { signal: gone.signal });
      if (items.length === 0) {
        if (performance.now() - begun > patienceMilliseconds) setLate(true);
        else timer = setTimeout(() => ask().catch(fail), everyMilliseconds);
        return;
      }
      const ids = items.map(({ user_id }) => user_id);
      const people: Named[] = await rows(supabase.from("profiles").select("id, external_id").in("id", ids));
      const names = new Map(people.map((person) => [person.id, nameOf(person)]));
      const audience = items.map((item) => ({ ...item, name: names.get(item.user_id) ?? "a member" }));
      if (!gone.signal.aborted) setReached({ after: (Date.now() - written.at) / 1000, audience });
    }
    const fail = (error: unknown) => gone.signal.aborted || setError(error);
    const begun = performance.now();
    let timer: ReturnType<typeof setTimeout> | undefined;
    ask().catch(fail);
    return () => {
      gone.abort();
      clearTimeout(timer);
    };
  }, [written, recommender, supabase]);

  async function lookAs(person: string): Promise<void> {
    try {
      const [member] = await findMembers(person);
      await signIn(project, member.email, "not asked here");
    } catch (error) {
      setError(error);
    }
  }

  return (
    <section class="card moved stack" aria-label="How your post finds its readers">
      <h2>“{written.title}” is published</h2>
      <p role="status">
        {reached
          ? `It has been read. Of all people it may interest these most:`
          : isLate
            ? "It has not been read yet. It reaches people as soon as it is; nothing is left for you to do."
            : "Finding out whom it may interest …"}
      </p>
      {reached && (
        <ul class="people">
          {reached.audience.map(({ user_id, name }) => (
            <li key={user_id}>
              {config.members ? (
                <button type="button" onClick={() => lookAs(user_id)}>
                  <strong>{name}</strong>
                  <span class="soft">See their feed, and when it arrives</span>
                </button>
              ) : (
                name
              )}
            </li>
          ))}
        </ul>
      )}
      {error !== undefined && <Trouble error={error} />}
    </section>
  );
}
