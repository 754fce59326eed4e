import { Heading } from "../../shared/elements.tsx";
import type { ConsoleRow } from "../console-client.ts";
import { Panel } from "../panel.tsx";

const judged = (key: string) => (row: ConsoleRow) => (
  <span class={row[key] ? "good" : "bad"}>{row[key] ? "ok" : "look"}</span>
);

export function HealthView() {
  return (
    <>
      <Heading text="Health" />
      <Panel
        title="How all stands"
        about="The verdict is what to do where all is not well."
        ask="status"
        cells={{ is_ok: judged("is_ok") }}
        caption="Concerns and their state"
      />
      <Panel
        title="Health check"
        about="The worst first, each with its cure."
        ask="health"
        cells={{ ok: judged("ok") }}
        caption="Figures and their bounds"
      />
      <div class="pair">
        <Panel
          title="Latency"
          about="In milliseconds, of the feeds of the twenty people who were active last, made now and shown to nobody. Stages within stages are counted in both."
          ask="latency"
          empty="There is nobody yet."
          caption="Stages of a feed"
        />
        <div class="stack">
          <Panel title="Changes that wait for the feature store" ask="lag" caption="Roll-up lag" />
          <Panel title="Texts that wait for a vector" ask="queue" empty="None." caption="Embedding queue" />
          <Panel
            title="Given up"
            about="Texts for which no vector could be made, however often it was tried."
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
        title="What runs by itself"
        ask="schedules"
        about="Where pg_cron is missing nothing is active: npx recsys serve and worker do what cannot wait, another scheduler the rest."
        caption="Schedules"
      />
    </>
  );
}
