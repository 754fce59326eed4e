/** What of a profile a name is made of. */
export interface Named {
  id: string;
  external_id: string | null;
}

/** The example app has no names: people are known by the id of their import, or by the beginning of their own. */
export function nameOf(person: Named | undefined): string {
  if (!person) return "a member";
  return person.external_id ?? `member ${person.id.slice(0, 4)}`;
}
