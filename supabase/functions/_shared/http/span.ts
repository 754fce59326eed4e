/** Timing of the parts of a request, sent in the header Server-Timing. */

/** Starts a named part; the returned function ends it. */
export type Span = (name: string) => () => void;

/** Measures nothing. */
export const noSpan: Span = () => () => undefined;
