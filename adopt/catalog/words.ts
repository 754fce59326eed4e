/** The words that names of tables and columns are made of, and what each of them usually means. */

/** `"createdAt"`, `created_at` and `Created At` are the same words: ["created", "at"]. */
export function wordsOfName(name: string): string[] {
  return name
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .replace(/([A-Z]+)([A-Z][a-z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== "");
}

/** The words with underscores between: how the lists below have them. */
export function plainName(name: string): string {
  return wordsOfName(name).join("_");
}

/** English plurals as tables have them: stories, statuses, people. */
export function singular(word: string): string {
  if (word === "people" || word === "persons") return "person";
  if (/[^aeiou]ies$/.test(word)) return `${word.slice(0, -3)}y`;
  if (/(ss|us|x|ch|sh)es$/.test(word)) return word.slice(0, -2);
  if (/(ss|us|is)$/.test(word)) return word;
  return word.replace(/s$/, "");
}

export function tableWords(name: string): string[] {
  return wordsOfName(name).map(singular);
}

const list = (text: string) => text.trim().split(/\s+/);
const set = (text: string) => new Set(list(text));

export const names = {
  people: set("user profile member account person customer subscriber userprofile"),
  /** Tables of what may be recommended. */
  posts: set(
    "post story status article topic thread link question video photo note listing product recipe event item entry submission discussion tweet toot track podcast episode course job idea project book movie quote page thought place",
  ),
  /** Tables that hold others together; a post is in one of them. */
  containers: set(
    "channel room community category group space board forum section workspace team organization organisation org company conversation chat list collection folder server subreddit hub playlist instance site tenant clip album antenna series",
  ),
  chat: set("message dm"),
  /** Tables in which an app keeps its own records; no user reads them as posts. */
  chores: set(
    "notification invite invitation session token setting preference audit log draft job queue report flag moderation mod admin ban warning migration revision version edit history upload attachment medium media image file asset embedding aggregate stat count cache search mention webhook device subscription membership permission role key secret payment invoice order password verification registration application backup import export summary bookmarklet announcement rule domain severance trend suggestion suggested template email newsletter card preview translation limit note_internal appeal preset purge tombstone pin pining pinning pinned featured poll tagging block blocking mute muting follow follower following adjustment variant trial success",
  ),
  comments: set("comment reply answer response review post message"),
  persons: set(
    "user member author creator owner account profile person sender actor poster voter reader viewer by customer liker writer submitter publisher uid muter mutee blocker blockee blocked muted ignored follower followee followed following",
  ),
  /** Of two persons in a row: whom it is done to. */
  targets: set(
    "target blocked muted ignored other recipient receiver to addressee followed following followee blockee mutee",
  ),
} as const;

/** What people do with a post, by a word in the name of a table, a column or a value. */
const actionWords: Record<Action, Set<string>> = {
  view: set(
    "view read visit visited impression click clicked seen open opened watch watched play played viewed listen listened",
  ),
  vote: set(
    "like liked favourite favorite favourited favorited fave heart clap upvote up upvoted vote voted star starred reaction reacted react bookmark bookmarked save saved repost reposted reblog reblogged boost boosted share shared purchase purchased order ordered rsvp attend attendee recommend recommended love loved helpful insightful thumb thumbsup kudos wishlist rating rate score applause laugh celebrate support wow positive plus",
  ),
  comment: set("comment commented reply replied answer answered review response"),
  dismissal: set(
    "hide hidden dismiss dismissed dismissal downvote downvoted down dislike disliked uninterested disinterested negative angry thumbsdown vomit minus",
  ),
};

export type Action = "view" | "vote" | "comment" | "dismissal";

/** What the words say that was done; undefined: nothing known. The last word that says something counts: a `comment_like` is a vote. */
export function actionOf(name: string): Action | undefined {
  for (const word of wordsOfName(name).reverse())
    for (const action of ["dismissal", "view", "vote", "comment"] as const)
      if (actionWords[action].has(word) || actionWords[action].has(singular(word))) return action;
  return undefined;
}

/** Names of columns, the likeliest first. */
export const columns = {
  title: list("title subject headline heading name question caption label"),
  body: list(
    "body content text raw body_markdown content_markdown body_text content_text markdown plaintext message description selftext details post story note notes comment summary abstract excerpt html body_html content_html processed_html rendered cooked task",
  ),
  bio: list("bio about about_me description note bio_raw summary introduction intro headline tagline status_text"),
  interests: list("interests passions topics tags hobbies skills likes categories"),
  tags: list("tags topics labels keywords hashtags categories tag_list genres"),
  /** Texts that hold several tags, with something between them. */
  tagList: list("tag_list cached_tag_list tags tag_names hashtags keywords topics labels categories"),
  tagName: list("slug name tag title label text topic"),
  language: list("language lang locale language_code lang_code"),
  languageCode: list("code iso_code language_code lang_code locale_code locale iso iso639_1 iso_639_1 tag"),
  published: list(
    "published_at publish_at publication_date publishedat posted_at first_published_at released_at published",
  ),
  created: list(
    "created_at inserted_at created createat createdat creation_date date_created created_on created_time date_sent sent_at posted posted_at published published_at timestamp time date when happened_at occurred_at added_at viewed_at visited_at read_at liked_at voted_at clicked_at seen_at logged_in_at signed_in_at started_at",
  ),
  updated: list("updated_at modified_at updated updateat last_modified changed_at edited_at"),
  deletedTime: list(
    "deleted_at removed_at deleted deleteat deletedat archived_at trashed_at discarded_at hidden_at unavailable_at deleted_time tombstoned_at suspended_at unpublished_at withdrawn_at revoked_at",
  ),
  deletedFlag: list(
    "deleted is_deleted removed is_removed hidden is_hidden archived is_archived is_moderated is_draft draft is_spam spam banned is_banned suspended is_suspended user_deleted is_expired trashed unlisted",
  ),
  shownFlag: list(
    "published is_published visible is_visible active is_active is_public public approved is_approved live",
  ),
  state: list(
    "status state publication_status post_status moderation_status moderation moderation_state acceptance acceptance_status review_status approval approval_status publication publication_state",
  ),
  /** Values of a state in which a post is there to be seen. */
  shownStates: list("published public active approved accepted live visible open publish valid confirmed"),
  audience: list("visibility privacy audience access is_private private"),
  /** What the app may show to those alone who ask for it. */
  adult: list("nsfw is_nsfw adult is_adult sensitive is_sensitive explicit is_explicit mature is_mature"),
  /** Of a post that moderators let in, and of a question with an answer. */
  acceptedFlag: list("accepted is_accepted reviewed is_reviewed verified is_verified moderated confirmed is_confirmed"),
  /** Values of it for one person alone, or for readers who know the address: not for feeds. */
  keptToFew: list("specified direct private secret unlisted home self only_me me nobody hidden draft link"),
  sort: list("type kind archetype post_type content_type category_type"),
  kind: list(
    "kind type reaction reaction_type action action_type event event_type interaction_type event_name reaction_kind category emoji emoji_name emojiname",
  ),
  direction: list(
    "value vote score direction weight vote_type amount like_score upvote is_upvote vote_is_upvote is_like liked positive up is_positive points",
  ),
  rating: list("rating stars rate grade"),
} as const;

/** Words of a column that points from a post to another one. */
export const parentWords = {
  reply: set("reply parent root thread replied"),
  repost: set("reblog repost boost retweet reshare renote retoot"),
} as const;

const unreadable = set(
  "id uuid url uri slug email token hash key path avatar image picture thumbnail icon ip domain phone code secret password digest locale timezone color colour website link href type kind status state lang language handle username ref mime encrypted useragent agent county country city zip address embedding vector filename",
);

/** Whether people read what is in a column of that name. */
export function isProse(name: string): boolean {
  return !wordsOfName(name).some((word) => unreadable.has(word));
}
