import type { Predictions } from "../../../client/src/index.ts";

const reactions = [
  ["view", "open"],
  ["vote", "vote"],
  ["comment", "comment"],
] as const;

interface PredictedReactionsProps {
  predictions: Predictions | null;
  /** Whether it says what the figures are: once on a page. */
  isExplained: boolean;
}

/** How likely the reader opens a post, votes for it and comments on it, as the model has it. */
export function PredictedReactions({ predictions, isExplained }: PredictedReactionsProps) {
  if (!predictions) return <p class="soft">Not predicted for this one.</p>;
  return (
    <>
      {isExplained && <p class="hint">How likely you are, as the model has it, to</p>}
      <dl class="predicted" aria-label="How likely you are to">
        {reactions.map(([kind, text]) => (
          <div key={kind}>
            <dt>{text}</dt>
            <dd>
              {percent(predictions[kind])}
              <i aria-hidden="true" style={{ width: `${100 * predictions[kind]}%` }} />
            </dd>
          </div>
        ))}
      </dl>
    </>
  );
}

function percent(probability: number): string {
  return `${(100 * probability).toFixed(probability < 0.1 ? 1 : 0)}%`;
}
