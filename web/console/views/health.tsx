import { Heading } from "../../shared/elements.tsx";
import type { ConsoleRow } from "../console-client.ts";
import { Panel } from "../panel.tsx";

const judged = (key: string) => (row: ConsoleRow) => (
  <span class={row[key] ? "good" : "bad"}>{row[key] ? "ok" : "not ok"}</span>
);

export function HealthView() {
  return (
    <>
      <Heading text="Health" />
      <Panel
        title="Status"
        about="verdict: what to do where something is not ok."
        ask="status"
        cells={{ is_ok: judged("is_ok") }}
        caption="Status"
      />
      <Panel
        title="Health check"
        about="Figures and their bounds, the worst first. cure: what to do."
        ask="health"
        cells={{ ok: judged("ok") }}
        caption="Figures and their bounds"
      />
      <div class="pair">
        <Panel
          title="Latency"
          about="Milliseconds of each stage, measured now on feeds of the twenty people who were active last; nobody is shown them. A stage within another counts in both."
          ask="latency"
          empty="There is nobody yet."
          caption="Stages of a feed"
        />
        <div class="stack">
          <Panel title="Changes that wait for the feature store" ask="lag" caption="Roll-up lag" />
          <Panel title="Texts that wait for a vector" ask="queue" empty="None." caption="Embedding queue" />
          <Panel
            title="Given up"
            about="Texts for which no vector could be made after several tries."
            ask="dead_letters"
            empty="None."
            caption="Dead letters"
          />
          <Panel
            title="Posts with a vector"
            ask="coverage"
            columns={["name", "status", "posts", "posts_with_vector"]}
            caption="Coverage"
          />
        </div>
      </div>
      <Panel
        title="Scheduled work"
        ask="schedules"
        about="Without pg_cron none of it is active: npx --no-install recsys serve and npx --no-install recsys worker do what cannot wait, and another scheduler has to do the rest."
        caption="Schedules"
      />
    </>
  );
}
