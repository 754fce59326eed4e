import { type Recsys, RecsysError } from "../../../client/src/index.ts";
import type { Idea, Ideas } from "../../../client/src/types.ts";
import { Button, FactList, Heading, Trouble } from "../../shared/elements.tsx";
import { useLoaded } from "../../shared/hooks.ts";
import { useProject } from "../../shared/project.ts";
import { Skeletons } from "../layout.tsx";
import { writeFrom } from "../write/draft.ts";
import { Points } from "../write/points.tsx";

/** Ideas for the reader: wanted subjects without recent posts, each to be turned into a draft. */
export function IdeasView() {
  const { recommender } = useProject();
  const ideas = useLoaded(() => readIdeas(recommender), [recommender]);
  return (
    <div class="narrow stack">
      <div class="row spread">
        <Heading text="Ideas for you" />
        <Button onClick={ideas.again}>Ask again</Button>
      </div>
      {ideas.error !== undefined && <Trouble error={ideas.error} again={ideas.again} />}
      {ideas.value === undefined && ideas.error === undefined && <Skeletons />}
      {ideas.value === null && <p class="card soft">There are no ideas to be had here.</p>}
      {ideas.value?.items.length === 0 && (
        <p class="card soft">There are no ideas for you yet. Vote for a few posts first.</p>
      )}
      {ideas.value && ideas.value.needs.length > 0 && <Needs needs={ideas.value.needs} />}
      <ol class="stack" aria-label="Ideas">
        {ideas.value?.items.map((idea) => (
          <IdeaCard key={idea.title} idea={idea} />
        ))}
      </ol>
      {ideas.value?.notes.map(({ code }) => (
        <p key={code} class="hint">
          {lacks[code]}
        </p>
      ))}
    </div>
  );
}

/** The community's needs, the same for all, before what its reader could write of it. */
function Needs({ needs }: Pick<Ideas, "needs">) {
  return (
    <section class="card stack" aria-label="What is needed here">
      <h2>What is needed here</h2>
      {needs.map(({ kind, topic, posts }) => (
        <div key={`${kind} ${topic?.id}`}>
          <p>
            {says[kind]}
            {topic && (
              <>
                {": "}
                <span class="chip" dir="auto">
                  {topic.label}
                </span>
              </>
            )}
          </p>
          <Titles posts={posts} />
        </div>
      ))}
    </section>
  );
}

const says: Record<Ideas["needs"][number]["kind"], string> = {
  unanswered: "Waiting for a comment for more than two days",
  often_unanswered: "Asked often and answered seldom",
  high_demand: "Read much and written little",
};

function Titles({ posts }: { posts: Ideas["needs"][number]["posts"] }) {
  return (
    <ul class="points">
      {posts.map(({ post_id, title }) => (
        <li key={post_id} dir="auto">
          {title}
        </li>
      ))}
    </ul>
  );
}

/** Notes of an answer in words for its reader; the notes' own words are for operators. */
const lacks: Record<Ideas["notes"][number]["code"], string> = {
  too_few_posts: "There are no more ideas: too few posts here are alike to make sensible ones of.",
  no_profile: "You have no profile yet, so these are the same for all who have none.",
  no_vector: "What you would like to write is not known yet: these are the same for everybody.",
  no_personalisation: "You want no personalisation, so these are the same for everybody who does.",
  no_topics: "It is not known yet what is wanted here most, so these come by the readers to expect.",
  no_model: "It is not known yet who would like what, so these come by the readers to expect.",
  writer_failed: "Some ideas could not be had just now.",
};

function IdeaCard({ idea }: { idea: Idea }) {
  const { title, points, tags, why, predicted, fit } = idea;
  const closeness = fit === null ? undefined : closenessOf(fit);
  return (
    <li class="card stack">
      {tags.length > 0 && (
        <p class="row">
          {tags.map((tag) => (
            <span key={tag} class="chip" dir="auto">
              {tag}
            </span>
          ))}
        </p>
      )}
      <h2 dir="auto">{title}</h2>
      {points.length > 0 && <Points points={points} />}
      {closeness && <p class="soft">{closeness}.</p>}
      {why && <p class="soft">{demandOf(why)}</p>}
      {idea.inspired_by.length > 0 && (
        <details>
          <summary>What it comes from</summary>
          <Titles posts={idea.inspired_by} />
        </details>
      )}
      <p class="soft">In its first week, if you write it:</p>
      <FactList
        class="numbers"
        facts={[
          ["people", about(predicted.audience)],
          ["views", about(predicted.views)],
          ["votes", about(predicted.votes)],
          ["comments", about(predicted.comments)],
        ]}
      />
      <div class="row">
        <Button class="main" onClick={() => writeFrom({ title, points, tags })}>
          Write this <span class="hidden">{title}</span>
        </Button>
      </div>
    </li>
  );
}

const about = (number: number) => (number === 0 ? "hardly any" : `about ${number.toLocaleString("en")}`);

/** Words for how near an idea is to its reader; undefined: not near. */
function closenessOf(fit: number): string | undefined {
  if (fit >= 0.5) return "Very close to what you read and write";
  if (fit >= 0.25) return "Close to what you read and write";
  return fit >= 0.1 ? "Not far from what you read and write" : undefined;
}

/** A sentence on demand and supply: how many people were interested, and how many posts were written. */
function demandOf({ people_interested, posts_lately, unanswered }: NonNullable<Idea["why"]>): string {
  const people = people_interested === null ? "Fewer than ten people" : `About ${people_interested} people`;
  const came = `${people} interacted with posts of this kind in the last four weeks.`;
  if (posts_lately === 0) return `${came} Nobody wrote any.`;
  const written = posts_lately === 1 ? "One was written" : `${posts_lately} were written`;
  if (unanswered === 0) return `${came} ${written}.`;
  if (unanswered === posts_lately) return `${came} ${written}, without a comment so far.`;
  return `${came} ${written}, ${unanswered} of them without a comment so far.`;
}

/** Ideas for the signed-in user; null: this project has no function `ideas`. */
async function readIdeas(recommender: Recsys): Promise<Ideas | null> {
  try {
    return await recommender.ideas();
  } catch (error) {
    // for a user without a profile the function itself says 404, in its own words
    if (error instanceof RecsysError && error.status === 404 && error.code !== "unknown_user") return null;
    throw error;
  }
}
