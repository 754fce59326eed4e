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
      {ideas.value?.length === 0 && (
        <p class="card soft">There are no ideas for you yet. Vote for a few posts first.</p>
      )}
      <ol class="stack" aria-label="Ideas">
        {ideas.value?.map((idea) => (
          <IdeaCard key={idea.title} idea={idea} />
        ))}
      </ol>
    </div>
  );
}

function IdeaCard({ idea }: { idea: Idea }) {
  const { title, points, why, predicted } = idea;
  const topic = typeof idea.topic === "string" ? idea.topic : idea.topic?.label;
  return (
    <li class="card stack">
      {topic && (
        <p>
          <span class="chip">{topic}</span>
        </p>
      )}
      <h2>{title}</h2>
      <ul class="points">
        {points.map((point) => (
          <li key={point}>{point}</li>
        ))}
      </ul>
      <p class="why">
        {why.people_interested} people care about this; {why.posts_lately} posts lately, {why.unanswered} unanswered.
      </p>
      <p class="soft">
        Of an audience of {rounded(predicted.audience)} it is expected to bring {rounded(predicted.views)} views,{" "}
        {rounded(predicted.votes)} votes and {rounded(predicted.comments)} comments.
      </p>
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
