import { useState } from "preact/hooks";
import { Button, Form, TextField, Trouble } from "../../shared/elements.tsx";
import { useLoaded, useOnce } from "../../shared/hooks.ts";
import { useProject } from "../../shared/project.ts";
import { type FeedPreference, prefer, readPreferences } from "../app-tables.ts";
import { useTheFeed } from "../use-feed.ts";

const feeds = [
  ["personal", "What I may like, of all there is"],
  ["following", "Whom and what I follow, the newest first"],
  ["impersonal", "The same as for everybody: nothing of mine is read, and nothing learned from me"],
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
  const hides = own.value?.some(({ kind }) => kind === "hide") ?? false;
  const decide = (gone: FeedPreference[], added: FeedPreference[]) =>
    once(async () => {
      await prefer(supabase, userId as string, gone, added);
      act({ kind: "preference" });
      setTopic("");
      own.again();
    });
  const want = (kind: "more" | "less") => decide([], [{ kind, value: topic.trim().toLowerCase() }]);

  return (
    <Form aria-labelledby="preferences" onSend={() => topic.trim() && want("more")}>
      <h2 id="preferences">Your feed is made of</h2>
      {own.error !== undefined && <Trouble error={own.error} again={own.again} />}
      {feeds.map(([value, text]) => (
        <label key={value} class="row one-line">
          <input
            type="radio"
            name="feed"
            checked={made === value}
            disabled={busy || !own.value}
            onChange={() =>
              decide([{ kind: "feed", value: made }], value === "personal" ? [] : [{ kind: "feed", value }])
            }
          />
          {text}
        </label>
      ))}
      <label class="row one-line">
        <input
          type="checkbox"
          checked={hides}
          disabled={busy || !own.value || made !== "personal"}
          onChange={() => (hides ? decide([reposts], []) : decide([], [reposts]))}
        />
        No reposts of what I saw
      </label>
      <TextField label="A topic" value={topic} maxLength={100} readOnly={busy} onText={setTopic} />
      <div class="row">
        <Button disabled={busy || !topic.trim()} onClick={() => want("more")}>
          More of it
        </Button>
        <Button disabled={busy || !topic.trim()} onClick={() => want("less")}>
          Less of it
        </Button>
      </div>
      <ul class="row">
        {own.value
          ?.filter(({ kind }) => kind === "more" || kind === "less")
          .map((each) => (
            <li key={`${each.kind} ${each.value}`}>
              <Button disabled={busy} onClick={() => decide([each], [])}>
                {each.kind} <bdi>#{each.value}</bdi> <span aria-hidden="true">×</span>
                <span class="hidden">take back</span>
              </Button>
            </li>
          ))}
      </ul>
      {error !== undefined && <Trouble error={error} />}
    </Form>
  );
}
