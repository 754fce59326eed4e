"use client";

import { createBrowserClient } from "@supabase/ssr";
import { type Feed as FirstPage, recsys } from "recsys-client";
import { useFeed, useSeen, useVotes } from "recsys-client/react";
import { project } from "./project.ts";

const recommender = recsys(createBrowserClient(...project));

export function Feed({ first }: { first?: FirstPage | undefined }) {
  const { items, isLoading, error, more, nextRef } = useFeed(recommender, { limit: 20 }, first);
  const seen = useSeen(recommender);
  const votes = useVotes(recommender);
  return (
    <main>
      {items.map((item) => {
        const isFor = votes.of(item.post_id) === 1;
        return (
          <article key={item.post_id} ref={seen(item)}>
            <h2>{item.title}</h2>
            <p>{item.excerpt}</p>
            <button type="button" aria-pressed={isFor} onClick={() => votes.vote(item.post_id, isFor ? 0 : 1)}>
              Vote
            </button>
          </article>
        );
      })}
      {error && (
        <button type="button" onClick={more}>
          {error.message} Try again
        </button>
      )}
      <footer ref={nextRef}>{isLoading && "Loading…"}</footer>
    </main>
  );
}
