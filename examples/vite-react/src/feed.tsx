import type { Recsys } from "recsys-client";
import { type ShownItem, useFeed, useSeen, useVotes, type Votes } from "recsys-client/react";

export function Feed({ recommender }: { recommender: Recsys }) {
  const { items, isLoading, error, more, reload, nextRef } = useFeed(recommender, { limit: 20 });
  const seen = useSeen(recommender);
  const votes = useVotes(recommender);
  return (
    <main>
      <button type="button" onClick={reload}>
        Show what is new
      </button>
      {items.map((item) => (
        <article key={item.post_id} ref={seen(item)}>
          <Card item={item} votes={votes} />
        </article>
      ))}
      {error && (
        <p role="alert">
          {error.message}{" "}
          <button type="button" onClick={more}>
            Try again
          </button>
        </p>
      )}
      <footer ref={nextRef}>{isLoading ? "Loading…" : items.length === 0 && "Nothing yet."}</footer>
    </main>
  );
}

function Card({ item, votes }: { item: ShownItem; votes: Votes }) {
  const { post_id, title, excerpt, tags } = item;
  const isFor = votes.of(post_id) === 1;
  const refusal = votes.refusal(post_id);
  return (
    <>
      <h2>{title}</h2>
      <p>{excerpt}</p>
      <small>{tags.join(", ")}</small>{" "}
      <button type="button" aria-pressed={isFor} onClick={() => votes.vote(post_id, isFor ? 0 : 1)}>
        Vote
      </button>
      {refusal && <p role="alert">Your vote was not taken: {refusal}</p>}
    </>
  );
}
