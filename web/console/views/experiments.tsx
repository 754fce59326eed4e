import { Heading } from "../../shared/elements.tsx";
import type { ConsoleRow } from "../console-client.ts";
import { Panel } from "../panel.tsx";
import { percent } from "../rows-table.tsx";

/** What is or was tried on some of the people, and what to conclude, in words that hold whenever one looks. */
export function ExperimentsView() {
  return (
    <>
      <Heading text="Experiments" />
      <Panel
        title="All experiments"
        ask="experiments"
        empty={
          <>
            There was none yet: <code>npx --no-install recsys experiment start NAME VARIANTS</code>.
          </>
        }
        caption="Experiments, the latest first"
        below={(rows) => rows.map((row) => <Report key={String(row.name)} experiment={row} />)}
      />
    </>
  );
}

function Report({ experiment: { name, kind } }: { experiment: ConsoleRow }) {
  const interleaves = kind === "interleaving";
  return (
    <Panel
      title={String(name)}
      about={
        interleaves
          ? "Each page mixes the posts of two models, and a model is credited with the posts that people act on."
          : "Each variant compared with the first. ratio: its rate divided by that of the first. always low and always high: the bounds of that ratio, which hold however often you look."
      }
      ask={interleaves ? "interleaving_report" : "experiment_report"}
      parameters={{ name: String(name) }}
      empty="Nobody has seen a page of it yet."
      above={(rows) => (
        <ul class="stack">
          {[...new Set(rows.map(({ conclusion }) => conclusion).filter(Boolean))].map((conclusion) => (
            <li key={String(conclusion)}>{String(conclusion)}</li>
          ))}
        </ul>
      )}
      columns={interleaves ? interleavingColumns : reportColumns}
      cells={{ rate: ({ rate }) => percent(rate) }}
      caption={`Report of ${name}`}
    />
  );
}

const reportColumns = "variant people_group metric people impressions rate ratio always_low always_high always_p".split(
  " ",
);
const interleavingColumns =
  "metric first_model second_model people pages first_wins second_wins preference always_low always_high always_p".split(
    " ",
  );
