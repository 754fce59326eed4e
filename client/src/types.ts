// Written by `npm run types` from what the functions take and answer: do not edit.

/**
 * What a user did.
 */
export type Event =
  | {
      /**
       * Made by the app for this event; sent again under the same id it is a duplicate and changes nothing.
       */
      id: string;
      /**
       * A time of the last 30 days; left out: now.
       */
      occurred_at?: string | null;
      type: "view";
      post_id: string;
      /**
       * Seconds.
       */
      value?: number | null;
    }
  | {
      /**
       * Made by the app for this event; sent again under the same id it is a duplicate and changes nothing.
       */
      id: string;
      /**
       * A time of the last 30 days; left out: now.
       */
      occurred_at?: string | null;
      type: "vote";
      post_id: string;
      /**
       * 1: for the post. -1: against it. 0: takes the vote back.
       */
      value: 1 | -1 | 0;
    }
  | {
      /**
       * Made by the app for this event; sent again under the same id it is a duplicate and changes nothing.
       */
      id: string;
      /**
       * A time of the last 30 days; left out: now.
       */
      occurred_at?: string | null;
      type: "comment";
      post_id: string;
      body: string;
    }
  | {
      /**
       * Made by the app for this event; sent again under the same id it is a duplicate and changes nothing.
       */
      id: string;
      /**
       * A time of the last 30 days; left out: now.
       */
      occurred_at?: string | null;
      type: "login";
    }
  | {
      /**
       * Made by the app for this event; sent again under the same id it is a duplicate and changes nothing.
       */
      id: string;
      /**
       * A time of the last 30 days; left out: now.
       */
      occurred_at?: string | null;
      type: "dismiss";
      post_id: string;
      /**
       * 0: takes the dismissal back; left out: dismisses the post.
       */
      value?: 0 | null;
    }
  | {
      /**
       * Made by the app for this event; sent again under the same id it is a duplicate and changes nothing.
       */
      id: string;
      /**
       * A time of the last 30 days; left out: now.
       */
      occurred_at?: string | null;
      type: "seen";
      post_id: string;
      /**
       * The request_id of the feed in which the post came into view.
       */
      request_id: string;
    };
/**
 * Stable; there may be others later.
 */
export type ErrorCode =
  | "not_found"
  | "method_not_allowed"
  | "malformed_json"
  | "invalid_body"
  | "unknown_field"
  | "invalid_limit"
  | "invalid_mode"
  | "invalid_after"
  | "invalid_filter"
  | "invalid_interests"
  | "invalid_query"
  | "invalid_candidates"
  | "invalid_count_since"
  | "key_invalid"
  | "token_missing"
  | "token_invalid"
  | "token_expired"
  | "token_audience"
  | "token_issuer"
  | "token_not_user"
  | "unknown_user"
  | "body_too_large"
  | "overloaded"
  | "too_many_requests"
  | "internal"
  | "model_corrupt"
  | "model_incompatible"
  | "database_unavailable"
  | "database_timeout"
  | "not_installed"
  | "unsafe_source_view"
  | "keys_unavailable"
  | "timeout"
  | "invalid_events"
  | "too_many_events"
  | "invalid_find"
  | "invalid_post_id"
  | "unknown_post"
  | "key_missing"
  | "invalid_ask"
  | "invalid_parameters"
  | "refused";
/**
 * Why a post is shown, from the caller's own history, the post itself and numbers of the whole community; from what others did only that some whom the caller follows came to it, where the caller may read that, and that several who came to the same came to it.
 */
export type Reason =
  | {
      kind: "like_your_history";
      post_id: string;
      title: string;
    }
  | {
      kind: "follows_author";
      author_id: string;
    }
  | {
      kind: "follows_topic";
      topic: string;
    }
  | {
      kind: "followed_author";
      author_id: string;
    }
  | {
      kind: "shared_terms";
      terms: string[];
    }
  | {
      kind: "promoted";
    }
  | {
      kind: "candidates";
    }
  | {
      kind: "touched";
      /**
       * @maxItems 2
       */
      people: string[];
    }
  | {
      kind: "exploration" | "similar" | "active" | "fresh" | "trending" | "popular" | "covisited";
    };
/**
 * Why an event alone is refused.
 */
export type RefusalCode =
  | "invalid_event"
  | "invalid_id"
  | "unknown_type"
  | "unknown_field"
  | "invalid_post_id"
  | "invalid_request_id"
  | "invalid_value"
  | "invalid_comment"
  | "invalid_time"
  | "in_the_future"
  | "too_old"
  | "unknown_post"
  | "unknown_impression"
  | "not_allowed";
/**
 * Why somebody or something is suggested.
 */
export type SuggestionWhy =
  | {
      kind: "came_to_posts";
      /**
       * How many.
       */
      posts: number;
    }
  | {
      kind: "followed_by";
      /**
       * @minItems 1
       * @maxItems 3
       */
      people: string[];
    }
  | {
      kind: "similar";
    };

/**
 * Which page, how many posts, whether ranked now or ahead, what each has to be like, what its reader cares about, and which posts to rank.
 */
export interface FeedRequest {
  /**
   * How many posts at most.
   */
  limit?: number | null;
  /**
   * live: ranked for this request. batch: from the list made ahead, where there is one.
   */
  mode?: ("live" | "batch") | null;
  /**
   * The `next` of the page before; null: the first page.
   */
  after?: string | null;
  filter?: FeedFilter | null;
  /**
   * What the reader cares about, in a few words each; the first 16 different words count. All that is known of a visitor; of a user it comes before what their profile says.
   */
  interests?: string[] | null;
  /**
   * What the reader searches for now, such as the words by which the app found `candidates`: read as an interest before all others.
   */
  query?: string | null;
  /**
   * The posts to rank, such as what the app's own search found; left out: what the recommender finds. What the caller may not read, or muted, is passed over as ids that no post has.
   */
  candidates?: string[] | null;
  /**
   * Counts what was written since that instant, such as a feed's made_at, in place of a feed; of the other fields the filter alone holds then.
   */
  count_since?: string | null;
}
/**
 * What each post has to be like. Every part may be left out; of a list one entry has to fit.
 */
export interface FeedFilter {
  /**
   * One of these tags; capital and small letters are the same.
   */
  tags?: string[] | null;
  /**
   * By one of these authors.
   */
  author_ids?: string[] | null;
  /**
   * Not older than so many days.
   */
  max_age_days?: number | null;
  /**
   * In one of these languages: BCP 47 tags, such as en or pt-br.
   */
  languages?: string[] | null;
}
/**
 * Events in the order in which they happened. One that is not as it should be is refused alone.
 */
export interface EventsRequest {
  /**
   * @maxItems 500
   */
  events: Event[];
}
/**
 * What is looked for: posts like one, people like the caller, a post's reach, or whom and what to follow.
 */
export interface SimilarRequest {
  /**
   * posts: like the one of post_id. people: like the caller. reach: about how many people the post of post_id may reach. people_to_follow, topics_to_follow, groups_to_follow: whom and what the caller might follow.
   */
  find?: ("posts" | "people" | "reach" | "people_to_follow" | "topics_to_follow" | "groups_to_follow") | null;
  /**
   * Of the post; for reach it must be the caller's own. Needed for posts and reach alone.
   */
  post_id?: string | null;
  /**
   * How many at most.
   */
  limit?: number | null;
}
/**
 * How many ideas for posts the caller wants.
 */
export interface IdeasRequest {
  /**
   * How many at most.
   */
  limit?: number | null;
}
/**
 * One question of whoever runs the community.
 */
export interface ConsoleRequest {
  /**
   * Which question.
   */
  ask:
    | "models"
    | "training"
    | "activations"
    | "activate"
    | "rollback"
    | "clock"
    | "status"
    | "health"
    | "lag"
    | "queue"
    | "dead_letters"
    | "coverage"
    | "schedules"
    | "rates"
    | "rates_by_position"
    | "rates_by_source"
    | "calibration"
    | "shown_topics"
    | "shares"
    | "map"
    | "post"
    | "neighbours"
    | "audience"
    | "experiments"
    | "experiment_report"
    | "interleaving_report"
    | "promotions"
    | "preview_promotion"
    | "people"
    | "person"
    | "explain"
    | "feed"
    | "latency";
  /**
   * What it asks about.
   */
  parameters?: {
    [k: string]: string | number;
  } | null;
}
/**
 * A personal feed.
 */
export interface Feed {
  /**
   * Names this feed in events of type seen.
   */
  request_id: string;
  /**
   * The model that ranked; null: none did.
   */
  model: {
    id: number;
    name: string;
  } | null;
  /**
   * live: ranked for this request. batch: from the list made ahead. candidates: those of the request, ranked.
   */
  mode: "live" | "batch" | "candidates";
  /**
   * null: nothing failed. unranked: the ranker failed, its candidates come in the order of the community feed, or as the request named them. batch: the list made ahead, which nobody asked for. community: what is fresh and popular.
   */
  degraded: ("unranked" | "batch" | "community") | null;
  /**
   * The engine's instant for which it was ranked.
   */
  made_at: string;
  /**
   * history: from what the user did. profile: from what they say of themselves, in their profile or in the request. followed: from what those whom they follow did and wrote lately; nothing else is known of them. community: what is fresh and popular. follows: the newest of whom and what they follow, as they want it.
   */
  basis: "history" | "profile" | "followed" | "community" | "follows";
  /**
   * The best first.
   */
  items: FeedItem[];
  /**
   * Asks for the next page, as `after`; null: nothing is left.
   */
  next: string | null;
}
/**
 * A post of a feed.
 */
export interface FeedItem {
  post_id: string;
  /**
   * Its id in the app's own table, as text: where that is no uuid, what recsys.id_of made post_id of.
   */
  app_id: string;
  title: string;
  /**
   * Who wrote it; null: nobody who is known.
   */
  author_id: string | null;
  /**
   * When it was written; null: it could not be read just now.
   */
  created_at: string | null;
  /**
   * What it is about: its first ten tags.
   */
  tags: string[];
  /**
   * The beginning of its text as this reader may read it: white space is one space, and what is longer than 200 letters ends behind a whole word with …. Markup is left as it is.
   */
  excerpt: string;
  /**
   * What the feed is ordered by.
   */
  score: number;
  /**
   * null: no model ranked.
   */
  predictions: Predictions | null;
  /**
   * What brought the post; of several, the one that says most. candidates: the request.
   */
  source: "similar" | "active" | "fresh" | "trending" | "popular" | "followed" | "touched" | "covisited" | "candidates";
  why: Reason;
  /**
   * What it is about: id stays when topics are remade, label names it. null: it has none yet, none that several authors name, or none that visitors may be told.
   */
  topic: {
    id: number;
    label: string;
  } | null;
  /**
   * As what whoever runs the app put it here, or helped it there; left out: nobody did.
   */
  promoted?: string;
  /**
   * How many posts more say the same, with the same words in the title, or are of the same conversation as the app says: none of them comes in this feed. Left out: none that was found.
   */
  folded?: number;
  /**
   * In the feed, from 1, counted through its pages.
   */
  position: number;
}
/**
 * Probabilities that the user views, votes for and comments on a post.
 */
export interface Predictions {
  view: number;
  vote: number;
  comment: number;
  /**
   * That they dismiss it, vote against it or mute what it is of. Left out: the model does not predict it.
   */
  dismiss?: number;
  /**
   * That they view it as long as the operator asks. Left out: the model does not predict it.
   */
  long_view?: number;
}
/**
 * How many posts were written since an instant that the feed might show.
 */
export interface NewPosts {
  /**
   * How many.
   */
  new_posts: number;
  /**
   * There are more than that.
   */
  has_more: boolean;
}
/**
 * What became of a batch of events.
 */
export interface Report {
  /**
   * One for each event, in the order of the batch.
   */
  events: EventReport[];
}
/**
 * What became of an event; code and message where it is refused.
 */
export interface EventReport {
  /**
   * null where the event has no valid one.
   */
  id: string | null;
  /**
   * duplicate: stored before, under the same id. counted: taken and not kept, since the user's day has as many as are kept.
   */
  status: "stored" | "duplicate" | "counted" | "refused";
  code?: RefusalCode;
  /**
   * What to do about it, for the app's developer.
   */
  message?: string;
}
/**
 * Posts like one; none where that post has no vector yet.
 */
export interface SimilarPosts {
  find: "posts";
  /**
   * By whose vectors they are similar; null: no model is active, and nothing is found.
   */
  model: {
    id: number;
    name: string;
  } | null;
  /**
   * The nearest first.
   */
  items: SimilarPost[];
}
/**
 * A post like the one asked about.
 */
export interface SimilarPost {
  post_id: string;
  /**
   * Its id in the app's own table, as text: where that is no uuid, what recsys.id_of made post_id of.
   */
  app_id: string;
  title: string;
}
/**
 * People like the caller, worked out once a day; none where the caller has no vector yet, or where fewer than ten are found.
 */
export interface SimilarPeople {
  find: "people";
  /**
   * By whose vectors they are similar; null: no model is active, and nothing is found.
   */
  model: {
    id: number;
    name: string;
  } | null;
  /**
   * The nearest ten first.
   */
  items: SimilarPerson[];
}
/**
 * Somebody like the caller.
 */
export interface SimilarPerson {
  user_id: string;
}
/**
 * About how many people a post may reach: the same for all posts of its topic.
 */
export interface PostReach {
  find: "reach";
  /**
   * By whose vectors they are similar; null: no model is active, and nothing is found.
   */
  model: {
    id: number;
    name: string;
  } | null;
  /**
   * People who came to posts of its topic that any signed-in member may read, in the last 28 days, rounded down to tens; null: fewer, or it has no topic yet.
   */
  people: number | null;
}
/**
 * Whom the caller might follow, and neither follows nor muted: people like the caller come last.
 */
export interface PeopleToFollow {
  find: "people_to_follow";
  items: PersonToFollow[];
}
/**
 * Whom the caller might follow.
 */
export interface PersonToFollow {
  user_id: string;
  why: SuggestionWhy;
}
/**
 * Topics that the caller might follow, and neither follows nor muted.
 */
export interface TopicsToFollow {
  find: "topics_to_follow";
  items: TopicToFollow[];
}
/**
 * What the caller might follow.
 */
export interface TopicToFollow {
  topic: string;
  why: SuggestionWhy;
}
/**
 * Groups that the caller might follow, and neither follows nor muted.
 */
export interface GroupsToFollow {
  find: "groups_to_follow";
  items: GroupToFollow[];
}
/**
 * A group that the caller might follow.
 */
export interface GroupToFollow {
  group: string;
  why: SuggestionWhy;
}
/**
 * Ideas for posts.
 */
export interface Ideas {
  /**
   * Whose vectors fit and topics are by; null: none is active.
   */
  model: {
    id: number;
    name: string;
  } | null;
  /**
   * What the community needs, whoever asks: what anybody could write about first.
   */
  needs: Need[];
  /**
   * The best first: large audience, more asked for than written, near to the caller.
   */
  items: Idea[];
  /**
   * What these ideas lack, and why.
   */
  notes: {
    code:
      "too_few_posts" | "no_profile" | "no_vector" | "no_personalisation" | "no_topics" | "no_model" | "writer_failed";
    message: string;
  }[];
}
/**
 * What the community asks for and does not get.
 */
export interface Need {
  /**
   * unanswered: posts that nobody else has commented on after two days. asked_often: a topic whose posts go unanswered more often than others. read_much: a topic whose share of readers is larger than its share of posts.
   */
  kind: "unanswered" | "asked_often" | "read_much";
  /**
   * null: of no topic in particular.
   */
  topic: {
    id: number;
    label: string;
  } | null;
  /**
   * Those of the last 28 days that show it, at most three: of ten people or more the most visited first, then the oldest. None is on trial.
   *
   * @minItems 1
   */
  posts: NamedPost[];
}
/**
 * A post that the caller may read, by its title.
 */
export interface NamedPost {
  post_id: string;
  app_id: string;
  title: string;
}
/**
 * A post that the caller might write.
 */
export interface Idea {
  title: string;
  /**
   * Up to three words, phrases or hints: what to speak of. None where posts about its subject have nothing in common that others have not.
   */
  points: string[];
  /**
   * Up to three tags that posts about its subject bear: what it could bear.
   */
  tags: string[];
  /**
   * What it is about; null: the community's topics have not been made.
   */
  topic: {
    id: number;
    label: string;
  } | null;
  /**
   * What is asked for and what is there; null where topic is.
   */
  why: {
    /**
     * People who came to posts of the topic that any member may read, in the last 28 days, rounded down to tens; null: fewer.
     */
    people_interested: number | null;
    /**
     * Posts of the topic in the last 28 days that any member may read.
     */
    posts_lately: number;
    /**
     * How many of them nobody else has commented on.
     */
    unanswered: number;
  } | null;
  /**
   * On average, as the community's posts of the past say, to whole people.
   */
  predicted: {
    /**
     * Distinct people who do something with it within 7 days, were it the caller's.
     */
    audience: number;
    /**
     * How many of them view it,
     */
    views: number;
    /**
     * vote for it,
     */
    votes: number;
    /**
     * and comment on it; one may do all three.
     */
    comments: number;
  };
  /**
   * How near it is to what the caller knows and writes: the cosine of the two towers' vectors, from -1 to 1; null: the caller has none yet.
   */
  fit: number | null;
  /**
   * The posts whose titles are nearest to it, at most three: what it comes from, as far as the caller may read that.
   */
  from: NamedPost[];
  /**
   * community: from the language of its titles; model: a language model of the operator's choice wrote it.
   */
  writer: "community" | "model";
}
/**
 * How many posts and users got their vector or need none any more, and how many did not.
 */
export interface Embedded {
  completed: number;
  failed: number;
}
/**
 * What the database says, and how it was asked.
 */
export interface ConsoleTable {
  /**
   * The statement that gives the rows, to copy.
   */
  sql: string;
  rows: {
    [k: string]: unknown;
  }[];
}
/**
 * What somebody's feed is now, with every candidate; asked by `feed`.
 */
export interface ConsoleFeed {
  /**
   * Names this feed in events of type seen.
   */
  request_id: string;
  /**
   * The model that ranked; null: none did.
   */
  model: {
    id: number;
    name: string;
  } | null;
  /**
   * live: ranked for this request. batch: from the list made ahead. candidates: those of the request, ranked.
   */
  mode: "live" | "batch" | "candidates";
  /**
   * null: nothing failed. unranked: the ranker failed, its candidates come in the order of the community feed, or as the request named them. batch: the list made ahead, which nobody asked for. community: what is fresh and popular.
   */
  degraded: ("unranked" | "batch" | "community") | null;
  /**
   * The engine's instant for which it was ranked.
   */
  made_at: string;
  /**
   * history: from what the user did. profile: from what they say of themselves, in their profile or in the request. followed: from what those whom they follow did and wrote lately; nothing else is known of them. community: what is fresh and popular. follows: the newest of whom and what they follow, as they want it.
   */
  basis: "history" | "profile" | "followed" | "community" | "follows";
  /**
   * The best first.
   */
  items: FeedItem[];
  /**
   * Asks for the next page, as `after`; null: nothing is left.
   */
  next: string | null;
  feature_names: string[];
  candidates: ConsoleCandidate[];
}
/**
 * A candidate of somebody's feed.
 */
export interface ConsoleCandidate {
  post_id: string;
  title: string;
  /**
   * What the feed is ordered by.
   */
  score: number;
  /**
   * null: no model ranked.
   */
  predictions: Predictions | null;
  created_at: string;
  author_id: string | null;
  /**
   * Where it stands in each source, from 1; null: that one did not bring it.
   */
  sources: {
    [k: string]: number | null;
  };
  /**
   * Among the candidates by score, from 1.
   */
  rank: number;
  /**
   * On the page; null: it is not on it.
   */
  position: number | null;
  /**
   * null: it is not on the page.
   */
  why: Reason | null;
  /**
   * What the ranker was told, by the names of feature_names.
   */
  features: number[] | null;
}
/**
 * What went wrong.
 */
export interface Failure {
  error: {
    code: ErrorCode;
    /**
     * One line with the cure, for the app's developer.
     */
    message: string;
  };
}
