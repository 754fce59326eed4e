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
       * The request_id of the feed in which the post was seen.
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
 * Why the post is shown. Based on the reader's own history, the post and community-wide counts. Other people's activity appears in `touched` (people the reader follows, if the reader may see it) and `covisited` (ten or more people) only.
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
 * Why an event is refused.
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
 * Why a person or a topic is suggested.
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
 * Request for one page of a feed.
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
   * The reader's interests, in a few words each; the first 16 distinct words count. For a visitor they are the only input; for a user they come before the profile.
   */
  interests?: string[] | null;
  /**
   * The reader's current search, such as the words that found `candidates`. Used as the first interest.
   */
  query?: string | null;
  /**
   * Posts to rank, such as hits of the app's own search. If absent, the recommender retrieves candidates. Ids that are unknown, unreadable or muted are ignored.
   */
  candidates?: string[] | null;
  /**
   * Returns the number of posts written since this time (a feed's `made_at`) instead of a feed. Of the other fields only `filter` applies.
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
 * Events in chronological order. An invalid event is refused by itself; the others are processed.
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
 * One question of an operator of the community.
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
   * Identifies this feed in events of type `seen`.
   */
  request_id: string;
  /**
   * The model that ranked the feed; null if none did.
   */
  model: {
    id: number;
    name: string;
  } | null;
  /**
   * live: ranked for this request. batch: the precomputed feed. candidates: the posts of the request, ranked.
   */
  mode: "live" | "batch" | "candidates";
  /**
   * The fallback that served the feed; null if nothing failed. unranked: the ranker failed, so candidates are in community or request order. batch: the precomputed feed. community: fresh and popular posts.
   */
  degraded: ("unranked" | "batch" | "community") | null;
  /**
   * Time (of the engine's clock) as of which the feed was ranked.
   */
  made_at: string;
  /**
   * What the ranking is based on. history: the user's interactions. profile: their profile or `interests`. followees: recent activity of people they follow, if nothing else is known. community: fresh and popular posts. follows: newest posts of followed people and topics, because the user chose that feed.
   */
  basis: "history" | "profile" | "followees" | "community" | "follows";
  /**
   * The posts, best first.
   */
  items: FeedItem[];
  /**
   * Cursor of the next page, for `after`; null on the last page.
   */
  next: string | null;
}
/**
 * A post of a feed.
 */
export interface FeedItem {
  post_id: string;
  /**
   * The post's id in the app's own table, as text. For numeric and text ids: the value that recsys.id_of() turned into `post_id`.
   */
  app_id: string;
  title: string;
  /**
   * The author; null if unknown.
   */
  author_id: string | null;
  /**
   * When the post was written; null if it could not be read just now.
   */
  created_at: string | null;
  /**
   * The post's first ten tags.
   */
  tags: string[];
  /**
   * The start of the text, as this reader may read it. White space is collapsed; texts over 200 characters are cut at a word boundary and end with …. Markup is kept.
   */
  excerpt: string;
  /**
   * Relevance score. Page selection (diversity, exploration, pins) may place a post above one with a higher score.
   */
  score: number;
  /**
   * null: no model ranked.
   */
  predictions: Predictions | null;
  /**
   * The retrieval source that ranked the post highest; on a tie, the more specific one. candidates: the request listed it.
   */
  source: "similar" | "active" | "fresh" | "trending" | "popular" | "followed" | "touched" | "covisited" | "candidates";
  why: Reason;
  /**
   * The post's topic. `id` stays when topics are recomputed; `label` names it. null: the post has no topic yet, no topic that several authors use, or none that visitors may see.
   */
  topic: {
    id: number;
    label: string;
  } | null;
  /**
   * Name of the promotion that placed or boosted the post; absent if none did.
   */
  promoted?: string;
  /**
   * Number of duplicates left out of this feed: posts with the same title words or of the same conversation (recsys.source_conversations). Absent if there are none.
   */
  folded?: number;
  /**
   * Position in the feed, from 1, counted across pages.
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
 * Results of a batch of events.
 */
export interface Report {
  /**
   * One for each event, in the order of the batch.
   */
  events: EventReport[];
}
/**
 * Result of one event; `code` and `message` if it is refused.
 */
export interface EventReport {
  /**
   * null if the event has no valid id.
   */
  id: string | null;
  /**
   * duplicate: an event with this id is already stored. counted: accepted but not stored, because the user's daily limit is reached. refused: see `code`.
   */
  status: "stored" | "duplicate" | "counted" | "refused";
  code?: RefusalCode;
  /**
   * How to fix it, for the app's developer.
   */
  message?: string;
}
/**
 * Posts similar to one post; empty while that post has no vector.
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
 * A post similar to the requested one.
 */
export interface SimilarPost {
  post_id: string;
  /**
   * The post's id in the app's own table, as text. For numeric and text ids: the value that recsys.id_of() turned into `post_id`.
   */
  app_id: string;
  title: string;
}
/**
 * People similar to the caller, recomputed once a day. Empty while the caller has no vector, or if fewer than ten are found.
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
 * A person similar to the caller.
 */
export interface SimilarPerson {
  user_id: string;
}
/**
 * Estimated audience of a post: the same for all posts of its topic.
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
   * People who interacted in the last 28 days with posts of the same topic that any signed-in member may read, rounded down to tens. null: fewer than ten, or the post has no topic yet.
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
 * A person the caller may want to follow.
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
   * The model behind `fit` and the topics; null if no model is active.
   */
  model: {
    id: number;
    name: string;
  } | null;
  /**
   * Unmet needs of the community; the same for every caller.
   */
  needs: Need[];
  /**
   * Best first: a large audience, more demand than supply, close to the caller.
   */
  items: Idea[];
  /**
   * What these ideas lack, and the reason.
   */
  notes: {
    code:
      "too_few_posts" | "no_profile" | "no_vector" | "no_personalisation" | "no_topics" | "no_model" | "writer_failed";
    message: string;
  }[];
}
/**
 * An unmet need of the community.
 */
export interface Need {
  /**
   * unanswered: posts without a comment by another person after two days. often_unanswered: a topic whose posts go unanswered more often than others. high_demand: a topic whose share of readers is larger than its share of posts.
   */
  kind: "unanswered" | "often_unanswered" | "high_demand";
  /**
   * null: the need has no particular topic.
   */
  topic: {
    id: number;
    label: string;
  } | null;
  /**
   * Up to three posts of the last 28 days as evidence. Posts visited by ten or more people come first (most visited first), then the oldest. Posts on probation are excluded.
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
   * Up to three words, phrases or hints for the text. Empty if posts about the subject have no distinctive words.
   */
  points: string[];
  /**
   * Up to three tags that posts about the subject have.
   */
  tags: string[];
  /**
   * The idea's topic; null before topics are computed.
   */
  topic: {
    id: number;
    label: string;
  } | null;
  /**
   * Demand and supply of the topic; null if `topic` is.
   */
  why: {
    /**
     * People who interacted in the last 28 days with posts of the topic that any member may read, rounded down to tens. null: fewer than ten.
     */
    people_interested: number | null;
    /**
     * Posts of the topic in the last 28 days that any member may read.
     */
    posts_lately: number;
    /**
     * How many of them have no comment by another person.
     */
    unanswered: number;
  } | null;
  /**
   * Expected numbers within 7 days, estimated from similar past posts and rounded.
   */
  predicted: {
    /**
     * Distinct people who would interact with the post within 7 days if the caller wrote it.
     */
    audience: number;
    /**
     * How many of them would view it.
     */
    views: number;
    /**
     * How many of them would vote for it.
     */
    votes: number;
    /**
     * How many of them would comment on it.
     */
    comments: number;
  };
  /**
   * Similarity to what the caller knows and writes: the cosine of the two towers' vectors, from -1 to 1. null while the caller has no vector.
   */
  fit: number | null;
  /**
   * Up to three posts with the nearest titles that inspired the idea and that the caller may read.
   */
  inspired_by: NamedPost[];
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
 * A user's feed now, with every candidate; asked by `feed`.
 */
export interface ConsoleFeed {
  /**
   * Identifies this feed in events of type `seen`.
   */
  request_id: string;
  /**
   * The model that ranked the feed; null if none did.
   */
  model: {
    id: number;
    name: string;
  } | null;
  /**
   * live: ranked for this request. batch: the precomputed feed. candidates: the posts of the request, ranked.
   */
  mode: "live" | "batch" | "candidates";
  /**
   * The fallback that served the feed; null if nothing failed. unranked: the ranker failed, so candidates are in community or request order. batch: the precomputed feed. community: fresh and popular posts.
   */
  degraded: ("unranked" | "batch" | "community") | null;
  /**
   * Time (of the engine's clock) as of which the feed was ranked.
   */
  made_at: string;
  /**
   * What the ranking is based on. history: the user's interactions. profile: their profile or `interests`. followees: recent activity of people they follow, if nothing else is known. community: fresh and popular posts. follows: newest posts of followed people and topics, because the user chose that feed.
   */
  basis: "history" | "profile" | "followees" | "community" | "follows";
  /**
   * The posts, best first.
   */
  items: FeedItem[];
  /**
   * Cursor of the next page, for `after`; null on the last page.
   */
  next: string | null;
  feature_names: string[];
  candidates: ConsoleCandidate[];
}
/**
 * A candidate of a user's feed.
 */
export interface ConsoleCandidate {
  post_id: string;
  title: string;
  /**
   * Relevance score. Page selection (diversity, exploration, pins) may place a post above one with a higher score.
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
