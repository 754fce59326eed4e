import type { Predictions } from "../../../client/src/index.ts";

const reactions = [
  ["view", "open"],
  ["vote", "vote"],
  ["comment", "comment"],
] as const;

/** How likely the reader opens a post, votes for it and comments on it, as the model has it. */
export function PredictedReactions({ predictions }: { predictions: Predictions | null }) {
  if (!predictions) return <p class="soft">No model ranked this.</p>;
  return (
    <dl class="predicted" aria-label="Predicted reactions">
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
  );
}

function percent(probability: number): string {
  return `${(100 * probability).toFixed(probability < 0.1 ? 1 : 0)}%`;
}
