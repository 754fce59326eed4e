import type { SchemaCatalog } from "./catalog.ts";

/**
 * The broken promises of the schema recsys: a removed object, a column of another type or newly required, another order of a
 * view's columns, another signature of a function, a revoked right. A function may get further arguments that have defaults.
 */
export function brokenPromises(from: SchemaCatalog, to: SchemaCatalog): string[] {
  return [...from.keys()].filter((object) => {
    const [was, is] = [from.get(object) ?? "", to.get(object)];
    if (object.startsWith("function recsys.")) return !keepsCalls(was, functionsOf(to, object));
    if (/^rights \S+.* recsys\./.test(object)) return hasObject(to, object) && lacksRight(was, is);
    if (!/^(table|view|type|column) recsys\./.test(object)) return false;
    if (is === undefined) return true;
    if (object.startsWith("column ")) return typeOf(was) !== typeOf(is) || isNewlyNeeded(was, is);
    return object.startsWith("view ") && !keepsOrder(columnsOf(from, object), columnsOf(to, object));
  });
}

const typeOf = (column: string) => column.split(/ (?:collate|not null|default|generated|storage)(?: |$)/, 1)[0];
const needsValue = (column: string) => / not null(?: |$)/.test(column) && !/ (?:default|generated) /.test(column);
const isNewlyNeeded = (was: string, is: string) => needsValue(is) && !needsValue(was);

/** A view's columns in their order. */
function columnsOf(catalog: SchemaCatalog, view: string): string[] {
  const prefix = `column ${view.slice("view ".length)}.`;
  return [...catalog.keys()].filter((object) => object.startsWith(prefix));
}

const keepsOrder = (was: string[], is: string[]) => was.every((column, i) => is[i] === column);

function functionsOf(catalog: SchemaCatalog, object: string): string[] {
  const name = object.slice(0, object.indexOf("(") + 1);
  return [...catalog].filter(([other]) => other.startsWith(name)).map(([, definition]) => definition);
}

/** Whether one of some functions takes every call of another, and gives the same. */
function keepsCalls(was: string, candidates: string[]): boolean {
  const [taken, given] = signatureOf(was);
  return candidates.some((candidate) => {
    const [takes, gives] = signatureOf(candidate);
    if (gives !== given || !takes.startsWith(taken)) return false;
    const more = takes.slice(taken.length);
    return more === "" || more.split(/, (?=p_)/).every((argument) => argument === "" || argument.includes(" DEFAULT "));
  });
}

/** Arguments and result, as pg_get_functiondef writes them. */
function signatureOf(definition: string): [takes: string, gives: string] {
  const [, takes, gives] = /^CREATE OR REPLACE FUNCTION [^(]+\((.*)\)\n RETURNS (.*)\n/.exec(definition) ?? [];
  return [takes ?? "", gives ?? ""];
}

/** Whether the object of these rights still exists: another line reports a removed object. */
function hasObject(catalog: SchemaCatalog, rights: string): boolean {
  const [, name] = / on \S+ (recsys\..*)$/.exec(rights) ?? [];
  return ["table", "view", "function", "sequence"].some((kind) => catalog.has(`${kind} ${name}`));
}

function lacksRight(was: string, is = ""): boolean {
  const left = is.split(", ");
  return was.split(", ").some((right) => !left.includes(right));
}
