// Written by `npm run types` from the OpenAPI document: do not edit.

/** What a call of `events` takes at most. */
export const mostEvents = 500;
