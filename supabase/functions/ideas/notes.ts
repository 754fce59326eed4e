import type { IdeasAnswer, NoteCode } from "./answer.ts";

const messages: Record<NoteCode, string> = {
  too_few_posts: "the titles that every member may read share too few forms and subjects to make more of them",
  no_profile: "you have no profile yet, so nothing is known of what you would like to write",
  no_vector:
    "what you know and write is not known yet: it is a few seconds after your first post, or with the next model",
  no_topics: "the topics of the community have not been made for the model that serves: npx recsys topics",
  no_model: "no model is active, so ideas are ordered by their audience alone",
  writer_failed: "the language model did not give all it was asked for: the community's own words do",
};

/** The notes of an answer, for those of which it is so. */
export function notesOf(holds: Record<NoteCode, boolean>): IdeasAnswer["notes"] {
  return (Object.keys(messages) as NoteCode[])
    .filter((code) => holds[code])
    .map((code) => ({ code, message: messages[code] }));
}
