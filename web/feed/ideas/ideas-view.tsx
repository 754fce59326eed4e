import { Heading } from "../../shared/heading.tsx";
import { useProject } from "../../shared/project.ts";
import { Trouble } from "../../shared/trouble.tsx";
import { useLoaded } from "../../shared/use-loaded.ts";
import { Skeletons } from "../skeletons.tsx";
import { writeFrom } from "../write/draft.ts";
import { type Idea, readIdeas } from "./read-ideas.ts";

/** What its reader could write: what people want and nobody wrote lately, each to be turned into a draft. */
export function IdeasView() {
  const { supabase } = useProject();
  const ideas = useLoaded(() => readIdeas(supabase), [supabase]);
  return (
    <div class="narrow stack">
      <div class="row spread">
        <Heading text="Ideas for you" />
        <button type="button" onClick={ideas.again}>
          Others
        </button>
      </div>
      {ideas.error !== undefined && <Trouble error={ideas.error} again={ideas.again} />}
      {ideas.value === undefined && ideas.error === undefined && <Skeletons />}
      {ideas.value === null && <p class="card soft">This project has no function that finds ideas.</p>}
      {ideas.value?.items.length === 0 && (
        <p class="card soft">There are no ideas for you yet. Vote for a few posts first.</p>
      )}
      <ol class="stack" aria-label="Ideas">
        {ideas.value?.items.map((idea) => (
          <IdeaCard key={idea.title} idea={idea} />
        ))}
      </ol>
      {ideas.value?.notes.map(({ code, message }) => (
        <p key={code} class="hint">
          {message}
        </p>
      ))}
    </div>
  );
}

function IdeaCard({ idea }: { idea: Idea }) {
  const { title, points, why, predicted, fit } = idea;
  const topic = idea.topic?.label;
  return (
    <li class="card stack">
      {topic && (
        <p>
          <span class="chip">{topic}</span>
        </p>
      )}
      <h2>{title}</h2>
      {points.length > 0 && (
        <ul class="points">
          {points.map((point) => (
            <li key={point}>{point}</li>
          ))}
        </ul>
      )}
      {why && (
        <p class="why">
          {rounded(why.people_interested)} people a day come to such posts. Lately there were {why.posts_lately},{" "}
          {why.unanswered} of them unanswered.
        </p>
      )}
      <dl class="numbers">
        {[
          ["audience", predicted.audience],
          ["views", predicted.views],
          ["votes", predicted.votes],
          ["comments", predicted.comments],
        ].map(([name, number]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{rounded(number as number)}</dd>
          </div>
        ))}
        {fit !== null && (
          <div>
            <dt>near to you</dt>
            <dd>{fit.toFixed(2)}</dd>
          </div>
        )}
      </dl>
      <div class="row">
        <button
          type="button"
          class="main"
          onClick={() =>
            writeFrom({
              title,
              description: points.map((point) => `- ${point}`).join("\n"),
              tags: topic ? [topic] : [],
            })
          }
        >
          Write this <span class="hidden">{title}</span>
        </button>
      </div>
    </li>
  );
}

function rounded(number: number): string {
  return number.toLocaleString("en", { maximumFractionDigits: number < 10 ? 1 : 0 });
}
