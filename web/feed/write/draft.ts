import { useState } from "preact/hooks";
import { go, useStored } from "../../shared/hooks.ts";

/** A post that is being written, as it stands in the form. */
export interface PostDraft {
  title: string;
  description: string;
  /** With commas between. */
  tags: string;
  /** Under which draft_id it was sent already, and perhaps stored. */
  id?: string;
  /** The idea or need behind the draft. The form stays empty until its writer takes a part of it. */
  idea?: DraftIdea | undefined;
  /** What was being written before this one was begun from an idea. */
  earlier?: PostDraft;
}

/** The proposal of an idea. */
export interface DraftIdea {
  title: string;
  points: string[];
  tags: string[];
}

const nothing: PostDraft = { title: "", description: "", tags: "" };

let waiting: DraftIdea | undefined;

/** Opens the form for a new post, empty, with an idea next to it. */
export function writeFrom(idea: DraftIdea): void {
  waiting = idea;
  go("write");
}

/** A user's draft, which outlives the view and a reload; null in its place: there is none any more. */
export function useDraft(userId: string): [PostDraft, (draft: PostDraft | null) => void] {
  const [draft, setDraft] = useStored(`draft of ${userId}`, nothing);
  // an idea that waits comes before what was being written, and does not take its place
  useState(() => {
    if (waiting) setDraft({ ...nothing, idea: waiting, ...(isBegun(draft) && { earlier: draft }) });
    waiting = undefined;
  });
  return [draft, (next) => setDraft(next && (isBegun(next) || next.earlier || next.idea) ? next : nothing)];
}

function isBegun({ title, description, tags }: PostDraft): boolean {
  return `${title}${description}${tags}`.trim() !== "";
}

/**
 * A post that a user wrote here and whose way into the feeds of others is being watched; it outlives a change of
 * person.
 */
export interface WatchedPost {
  post_id: string;
  title: string;
  author_id: string;
}

/** Under which name the browser keeps it. */
export const writtenName = "written";
