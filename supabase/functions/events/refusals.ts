/** Why an event alone is refused: stable codes, and what the app's developer is told. */
export const refusals = {
  invalid_event: "an event must be an object with an id and a type",
  invalid_id: "id must be a uuid that the app makes for this event, such as crypto.randomUUID()",
  unknown_type: "type must be view, vote, comment, login, dismiss or seen",
  unknown_field: "the event has a field that events of its type do not have",
  invalid_post_id: "post_id must be the uuid of a post",
  invalid_request_id: "request_id must be the uuid of the feed in which the post was seen",
  invalid_value:
    "value must be 1, -1 or 0 (takes it back) for a vote, 0 (takes it back) or left out for a dismissal, and from 0 to 1000000 for a view",
  invalid_comment: "body must be a text of 1 to 10,000 characters without NUL or half a surrogate pair",
  invalid_time: "occurred_at must be an ISO 8601 time with a zone, such as 2026-01-31T17:05:00Z",
  in_the_future: "occurred_at is more than 5 minutes from now: the device's clock is wrong",
  too_old: "occurred_at is more than 30 days ago",
  unknown_post: "there is no such post that the user may read",
  unknown_impression: "the user was not shown this post in this request, or its feed is not logged",
  not_allowed: "a policy or constraint of the database refuses it",
} as const;

export type RefusalCode = keyof typeof refusals;
