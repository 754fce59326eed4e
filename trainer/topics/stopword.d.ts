/** What is used of the package, which has no types of its own: a list of words for each language. */
declare module "stopword" {
  const lists: Record<string, string[]>;
  export = lists;
}
