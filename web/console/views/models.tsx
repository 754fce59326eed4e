import { useState } from "preact/hooks";
import { Button, Heading, Trouble } from "../../shared/elements.tsx";
import { useOnce } from "../../shared/hooks.ts";
import { type ConsoleRow, useAsk } from "../console-client.ts";
import { Panel } from "../panel.tsx";

const columns = "name status since gate compared_with requests mrr mrr_of_other posts users size learned_until".split(
  " ",
);

/** Every model with what the gate said, which one serves, and the two switches. */
export function ModelsView() {
  const [switched, setSwitched] = useState(0);
  const done = () => setSwitched((n) => n + 1);
  return (
    <>
      <Heading text="Models" />
      <Panel
        title="All models"
        about="gate: whether it passed the checks that let it serve. mrr: how near to the top it ranks what people act on next; 1 is always first. mrr of other: the same of the model that it was compared with, on requests from which neither learned."
        ask="models"
        fresh={switched}
        empty={
          <>
            There is none yet: <code>npx --no-install recsys train</code>, then{" "}
            <code>npx --no-install recsys publish</code>.
          </>
        }
        columns={columns}
        caption="Models, the newest first"
        below={(rows) => <Switches models={rows} onDone={done} />}
      />
      <Panel
        title="Quality measured in training"
        about="As recsys train printed it: the model compared with showing the most recent posts first, on requests that were held out from training. A difference of more than twice its standard error is hardly chance. A model without these figures had too few requests to hold any out. runtimes differ by: the largest difference between the trainer’s predictions and those of ONNX Runtime, which the functions use."
        ask="training"
        fresh={switched}
        empty="There is none yet."
        cells={asPrinted}
        caption="Quality of models in training"
      />
      <Panel
        title="Which model served when"
        ask="activations"
        fresh={switched}
        caption="Activations, the latest first"
      />
    </>
  );
}

/** To the same digits as in the terminal. */
const fixed = (value: unknown) => (typeof value === "number" ? Math.abs(value).toFixed(3) : undefined);
const asPrinted = {
  model: ({ model }: ConsoleRow) => fixed(model),
  recency_baseline: ({ recency_baseline: baseline }: ConsoleRow) => fixed(baseline),
  difference: ({ difference }: ConsoleRow) =>
    fixed(difference) && `${Number(difference) < 0 ? "−" : "+"}${fixed(difference)}`,
  standard_error: ({ standard_error: error }: ConsoleRow) => fixed(error) && `± ${fixed(error)}`,
};

/** A switch that may be made: what its button says, what is asked once more, and how it is done. */
interface Switch {
  label: string;
  question: string;
  run(): Promise<unknown>;
}

/** Asks once more before it switches, and says how it went. */
function Switches({ models, onDone }: { models: ConsoleRow[]; onDone(): void }) {
  const ask = useAsk();
  const [asking, setAsking] = useState<Switch | null>(null);
  const [outcome, setOutcome] = useState<string>("");
  const { error, once } = useOnce();
  const active = models.find(({ status }) => status === "active");
  if (!active) return null;
  const others = models.filter(({ status }) => status === "ready" || status === "retired");
  // as recsys.rollback_model() chooses: of those that served before and were not rolled back, the last
  const [previous] = models
    .filter(({ status }) => status === "retired")
    .sort((a, b) => Date.parse(String(b.since)) - Date.parse(String(a.since)));
  const switches: Switch[] = others.map(({ model_id, name }) => ({
    label: `Activate ${name}`,
    question: `Let ${name} serve instead of ${active.name}?`,
    run: () => ask("activate", { model_id: Number(model_id), instead_of: Number(active.model_id) }),
  }));
  if (previous)
    switches.push({
      label: `Roll back ${active.name}`,
      question: `Let ${previous.name} serve again, and ${active.name} no more?`,
      run: () => ask("rollback", { model_id: Number(active.model_id) }),
    });
  async function confirm({ question, run }: Switch): Promise<void> {
    await run().finally(() => setAsking(null));
    setOutcome(`Done: ${question.replace(/^L/, "l").replace(/\?$/, "")}.`);
    onDone();
  }
  return (
    <div class="stack">
      <div class="row">
        {switches.map((each) => (
          <Button key={each.label} onClick={() => setAsking(each)}>
            {each.label}
          </Button>
        ))}
      </div>
      {asking && (
        <div class="row" role="alertdialog" aria-label={asking.question}>
          <strong>{asking.question}</strong>
          <Button class="main" onClick={() => once(() => confirm(asking))}>
            Yes
          </Button>
          <Button onClick={() => setAsking(null)}>No</Button>
        </div>
      )}
      <p role="status" class={outcome ? "" : "hidden"}>
        {outcome}
      </p>
      {error !== undefined && <Trouble error={error} />}
    </div>
  );
}
