import { useState } from "preact/hooks";
import { Button, Form } from "../shared/elements.tsx";
import { useLoaded } from "../shared/hooks.ts";
import { useProject } from "../shared/project.ts";
import { frequentTags } from "./app-tables.ts";

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
          <Button key={interest} dir="auto" aria-pressed={chosen.includes(interest)} onClick={() => toggle(interest)}>
            {interest}
          </Button>
        ))}
        {few.length < offered.length && (
          <Button class="plain" aria-expanded={hasAll} onClick={() => setHasAll(!hasAll)}>
            {hasAll ? "Fewer" : "More"}
          </Button>
        )}
      </div>
      <Form
        class="row one-line"
        onSend={() => {
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
          dir="auto"
          value={own}
          onInput={(event) => setOwn(event.currentTarget.value)}
        />
        <button type="submit">Add</button>
      </Form>
    </section>
  );
}
