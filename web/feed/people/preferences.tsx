import { useState } from "preact/hooks";
import { Button, CheckField, Form, TextField, Trouble } from "../../shared/elements.tsx";
import { useLoaded, useOnce } from "../../shared/hooks.ts";
import { useProject } from "../../shared/project.ts";
import { type FeedPreference, prefer, readPreferences, wantTopic } from "../app-tables.ts";
import { useTheFeed } from "../use-feed.ts";

const feeds = [
  ["personal", "Posts that I may like, from everybody"],
  ["following", "Posts by people and on topics that I follow, the newest first"],
  ["impersonal", "The same as for everybody: my profile and what I do are neither used nor learned from"],
] as const;

const reposts: FeedPreference = { kind: "hide", value: "reposts" };

/** What its reader decides about their feed: what it is made of, without what, and of which topics they want more or less. */
export function Preferences() {
  const { supabase } = useProject();
  const { userId, act } = useTheFeed();
  const [topic, setTopic] = useState("");
  const { busy, error, once } = useOnce();
  const own = useLoaded(() => readPreferences(supabase), [supabase, userId]);
  const made = own.value?.find(({ kind }) => kind === "feed")?.value ?? "personal";
  const wanted = own.value?.filter(({ kind }) => kind === "more" || kind === "less");
  const hides = own.value?.some(({ kind }) => kind === "hide") ?? false;
  const change = (write: (userId: string) => Promise<void>) =>
    once(async () => {
      await write(userId as string);
      act({ kind: "preference" });
      setTopic("");
      own.again();
    });
  const decide = (gone: FeedPreference[], added: FeedPreference[]) =>
    change((userId) => prefer(supabase, userId, gone, added));
  const want = (kind: "more" | "less") => change((userId) => wantTopic(supabase, userId, kind, topic));

  return (
    <Form aria-labelledby="preferences" onSend={() => topic.trim() && want("more")}>
      <h2 id="preferences">Your feed is made of</h2>
      {own.error !== undefined && <Trouble error={own.error} again={own.again} />}
      <div role="radiogroup" aria-labelledby="preferences">
        {feeds.map(([value, text]) => (
          <CheckField
            key={value}
            type="radio"
            name="feed"
            checked={made === value}
            disabled={busy || !own.value}
            onChange={() =>
              decide([{ kind: "feed", value: made }], value === "personal" ? [] : [{ kind: "feed", value }])
            }
          >
            {text}
          </CheckField>
        ))}
      </div>
      <CheckField
        type="checkbox"
        checked={hides}
        disabled={busy || !own.value || made !== "personal"}
        onChange={() => (hides ? decide([reposts], []) : decide([], [reposts]))}
      >
        Without reposts of what I have seen
      </CheckField>
      <TextField
        label="A topic"
        hint="of which you want more or less"
        value={topic}
        maxLength={100}
        readOnly={busy}
        onText={setTopic}
      />
      <div class="row">
        <Button disabled={busy || !topic.trim()} onClick={() => want("more")}>
          More of it
        </Button>
        <Button disabled={busy || !topic.trim()} onClick={() => want("less")}>
          Less of it
        </Button>
      </div>
      {wanted && wanted.length > 0 && (
        <ul class="row" aria-label="Topics of which you want more or less">
          {wanted.map((each) => (
            <li key={`${each.kind} ${each.value}`}>
              <Button disabled={busy} onClick={() => decide([each], [])}>
                {each.kind === "more" ? "More" : "Less"} <bdi>#{each.value}</bdi> <span aria-hidden="true">×</span>
                <span class="hidden">take back</span>
              </Button>
            </li>
          ))}
        </ul>
      )}
      {error !== undefined && <Trouble error={error} />}
    </Form>
  );
}
