/** How long the parts of a request take; the answer says so in its header Server-Timing. */

/** Begins a part under its name; what it returns ends it. */
export type Span = (name: string) => () => void;

/** For whoever does not want to know. */
export const noSpan: Span = () => () => undefined;
