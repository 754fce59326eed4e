// Written by `npm run types` from what the functions take and answer: do not edit.

/** What a call of `events` takes at most. */
export const mostEvents = 500;
