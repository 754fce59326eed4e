import { useState } from "preact/hooks";
import { useProject } from "../shared/project.ts";
import { rows } from "../shared/rows.ts";
import { useLoaded } from "../shared/use-loaded.ts";

/** With more of them a phone shows nothing of the feed. */
const mostAtFirst = 6;

/** A visitor's interests: picked from what posts are about lately, or in their own words. */
export function Interests({ chosen, onChange }: { chosen: string[]; onChange(interests: string[]): void }) {
  const { supabase } = useProject();
  const tags = useLoaded(() => frequentTags(supabase), [supabase]);
  const [own, setOwn] = useState("");
  // what was picked here stays, so that it can be picked again, and each stays where it is
  const [before, setBefore] = useState(chosen);
  const [hasAll, setHasAll] = useState(false);
  const isKnown = tags.value !== undefined || tags.error !== undefined;
  const offered = isKnown ? [...new Set([...(tags.value ?? []), ...before, ...chosen])] : [];
  const few = offered.filter((each, i) => i < mostAtFirst || before.includes(each) || chosen.includes(each));
  const toggle = (interest: string) =>
    onChange(chosen.includes(interest) ? chosen.filter((each) => each !== interest) : [...chosen, interest].slice(-16));
  return (
    <section class="card stack" aria-labelledby="interests">
      <h2 id="interests">What do you care about?</h2>
      <div class="row">
        {(hasAll ? offered : few).map((interest) => (
          <button
            type="button"
            key={interest}
            aria-pressed={chosen.includes(interest)}
            onClick={() => toggle(interest)}
          >
            {interest}
          </button>
        ))}
        {few.length < offered.length && (
          <button type="button" class="plain" aria-expanded={hasAll} onClick={() => setHasAll(!hasAll)}>
            {hasAll ? "Fewer" : "More"}
          </button>
        )}
      </div>
      <form
        class="row one-line"
        onSubmit={(event) => {
          event.preventDefault();
          const interest = own.trim();
          if (interest && !chosen.includes(interest)) toggle(interest);
          if (interest && !before.includes(interest)) setBefore([...before, interest]);
          setOwn("");
        }}
      >
        <input
          aria-label="Another interest"
          placeholder="Another, in your own words"
          maxLength={100}
          value={own}
          onInput={(event) => setOwn(event.currentTarget.value)}
        />
        <button type="submit">Add</button>
      </form>
    </section>
  );
}

/** The tags of the newest posts, the most frequent first. */
async function frequentTags(supabase: ReturnType<typeof useProject>["supabase"]): Promise<string[]> {
  const posts: { tags: string[] }[] = await rows(
    supabase.from("posts").select("tags").order("created_at", { ascending: false }).limit(300),
  );
  const counts = new Map<string, number>();
  for (const { tags } of posts) for (const tag of tags) counts.set(tag, (counts.get(tag) ?? 0) + 1);
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .slice(0, 16)
    .map(([tag]) => tag);
}
