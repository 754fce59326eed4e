import { useState } from "preact/hooks";
import type { ConsoleCandidate, ConsoleFeed } from "../../../client/src/types.ts";
import { kinds } from "../../../supabase/functions/_shared/features/kinds.ts";
import { ActName } from "../../shared/act-colours.tsx";
import { Button, FactList, Form, Heading, TextField, Trouble } from "../../shared/elements.tsx";
import { go, useLoaded } from "../../shared/hooks.ts";
import { useAsk } from "../console-client.ts";
import { Panel } from "../panel.tsx";
import { cell, percent } from "../rows-table.tsx";

/** A user's feed as it would be now, with every candidate; `route`: the user, and the post that is asked about. */
export function PeopleView({ route: [asked, postId] }: { route: string[] }) {
  return <AskedPerson key={`${asked}/${postId}`} asked={asked ?? ""} postId={postId ?? ""} />;
}

function AskedPerson({ asked, postId }: { asked: string; postId: string }) {
  const [person, setPerson] = useState(asked);
  return (
    <>
      <Heading text="People" />
      <Form onSend={() => go(`people/${person.trim()}`)}>
        <div class="fields">
          <TextField
            label="Person"
            hint="their id, or the one they had in an import"
            required
            value={person}
            spellcheck={false}
            onText={setPerson}
          />
          <button type="submit" class="main">
            Show the feed
          </button>
        </div>
      </Form>
      {asked ? (
        <Person person={asked} postId={postId} />
      ) : (
        <Panel
          title="Active last"
          ask="people"
          empty="There is nobody yet."
          columns={["person", "views", "votes", "comments", "last_active_at"]}
          cells={{
            person: ({ user_id, external_id }) => <a href={`#people/${user_id}`}>{String(external_id ?? user_id)}</a>,
          }}
          caption="People, the last active first"
        />
      )}
    </>
  );
}

function Person({ person, postId }: { person: string; postId: string }) {
  return (
    <Panel
      title="Profile"
      ask="person"
      parameters={{ person }}
      empty="There is no such person."
      caption="The person"
      below={([row]) => <Feed userId={String(row.user_id)} postId={postId} />}
    />
  );
}

function Feed({ userId, postId }: { userId: string; postId: string }) {
  const ask = useAsk();
  const [isWhole, setWhole] = useState(false);
  const { value, error, again } = useLoaded(() => ask<ConsoleFeed>("feed", { user_id: userId }), [ask, userId]);
  if (error !== undefined) return <Trouble error={error} again={again} />;
  if (!value) return <p role="status">One moment …</p>;
  const onPage = value.candidates.filter(({ position }) => position !== null);
  onPage.sort((a, b) => Number(a.position) - Number(b.position));
  return (
    <section class="stack">
      <h3>The feed now</h3>
      <p class="hint">
        {value.model ? `Ranked by the model ${value.model.name}` : "Ranked by no model"}, based on {value.basis}
        {value.degraded ? `; degraded: ${value.degraded}` : ""}. {value.candidates.length} candidates. The person is
        shown nothing of this, and nothing is logged. The rank is by score alone. The position, in bold, differs from it
        where a page varies its topics and authors, or tries a new post. After the predictions come the sources that
        found the post, each with its rank there, and the reason that the reader is told.
      </p>
      <ol class="stack">
        {(isWhole ? value.candidates : onPage).map((candidate) => (
          <CandidateRow key={candidate.post_id} candidate={candidate} names={value.feature_names} userId={userId} />
        ))}
      </ol>
      <div class="row">
        <Button onClick={() => setWhole(!isWhole)}>
          {isWhole ? "Only the posts on the page" : `All ${value.candidates.length} candidates`}
        </Button>
      </div>
      <Missing userId={userId} asked={postId} />
    </section>
  );
}

interface CandidateRowProps {
  candidate: ConsoleCandidate;
  names: string[];
  userId: string;
}

function CandidateRow({ candidate, names, userId }: CandidateRowProps) {
  const [isOpen, setOpen] = useState(false);
  const { post_id, title, position, rank, score, predictions, sources, why, features } = candidate;
  const brought = Object.entries(sources).flatMap(([name, rank]) => (rank === null ? [] : [`${name} ${rank}`]));
  return (
    <li>
      <details onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>
          <strong>{position ?? "–"}</strong> <bdi>{title}</bdi>{" "}
          <span class="soft small">
            score {cell(score)} (rank {rank}) ·{" "}
            {kinds.map((act) => (
              <>
                <ActName act={act} text={`${act} ${percent(predictions?.[act])}`} /> ·{" "}
              </>
            ))}
            {brought.join(", ")}
            {why ? ` · ${why.kind.replaceAll("_", " ")}` : ""}
          </span>
        </summary>
        {isOpen && (
          <div class="stack">
            {features && <FactList class="facts" facts={names.map((name, i) => [name, cell(features[i])])} />}
            <Explained userId={userId} postId={post_id} />
          </div>
        )}
      </details>
    </li>
  );
}

/** Why a post is not among them. */
function Missing({ userId, asked }: { userId: string; asked: string }) {
  const [postId, setPostId] = useState(asked);
  return (
    <>
      <label>
        Why is a post missing? <small>its id</small>
        <input value={postId} spellcheck={false} onChange={(event) => setPostId(event.currentTarget.value.trim())} />
      </label>
      {/^[\da-f-]{36}$/i.test(postId) && <Explained userId={userId} postId={postId} />}
    </>
  );
}

function Explained({ userId, postId }: { userId: string; postId: string }) {
  return (
    <Panel
      title="As the database explains it"
      ask="explain"
      parameters={{ user_id: userId, post_id: postId }}
      caption="Explanation"
    />
  );
}
