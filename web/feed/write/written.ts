/** A post that somebody wrote here and whose way into the feeds of others is being watched; it outlives a change of person. */
export interface Written {
  post_id: string;
  title: string;
  author_id: string;
  /** Milliseconds since 1970. */
  at: number;
}

/** Under which name the browser keeps it. */
export const writtenName = "written";
