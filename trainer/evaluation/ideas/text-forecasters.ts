/** The forecaster that serves, and its parts alone. */
import { AuthorMeans } from "../../../supabase/functions/_shared/ideas/forecast/author-means.ts";
import type { Parts } from "../../../supabase/functions/_shared/ideas/forecast/blend.ts";
import { Forecaster, unblended } from "../../../supabase/functions/_shared/ideas/forecast/forecaster.ts";
import type { SettledPost, WrittenPost } from "../../../supabase/functions/_shared/ideas/forecast/written-post.ts";
import type { AudienceForecaster } from "./forecast-protocol.ts";

/** What the function `ideas` says of an idea; or, with a name of its own, what one `part` of that says. */
export function servedForecaster(name = "ideas", part?: keyof Parts): AudienceForecaster {
  let forecaster = new Forecaster([]);
  return {
    name,
    train(posts) {
      forecaster = part ? new Forecaster(posts, unblended) : new Forecaster(posts);
    },
    add: (post) => forecaster.add(post),
    forecast: (post) => (part ? forecaster.parts(post)[part] : forecaster.forecast(post)),
  };
}

/** The mean of what an author's posts got; of all posts, for an author without any. */
export function authorMeanForecaster() {
  const means = new AuthorMeans(0);
  const add = ({ author, people }: SettledPost) => means.add(author, people);
  return {
    name: "author's mean",
    train(posts: SettledPost[]) {
      for (const post of posts) add(post);
    },
    add,
    forecast: ({ author }: WrittenPost) => means.of(author),
  } satisfies AudienceForecaster;
}
