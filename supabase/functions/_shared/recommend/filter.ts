/** What a client asks of each post of a feed; the fields of recsys.feed_filter, which holds it in every source. */
export interface FeedFilter {
  /** One of these tags; capital and small letters are the same. */
  tags?: string[] | undefined;
  /** By one of these authors. */
  author_ids?: string[] | undefined;
  /** Not older than so many days. */
  max_age_days?: number | undefined;
  /** In one of these languages: BCP 47 tags in small letters. */
  languages?: string[] | undefined;
}
