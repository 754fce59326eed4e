/** In every function an optional field that is null is as one left out. The fields come from the schemas. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { apis } from "../../../client/api-document.ts";
import { consoleFunction } from "../console/handler.ts";
import { event } from "../events/api.ts";
import { eventsFunction } from "../events/handler.ts";
import { ideasFunction } from "../ideas/handler.ts";
import { recommendFunction } from "../recommend/handler.ts";
import { similarFunction } from "../similar/handler.ts";

type Body = Record<string, unknown>;

const id = "0000000a-0000-4000-8000-000000000001";
const functions = [consoleFunction, eventsFunction, ideasFunction, recommendFunction, similarFunction];
/** Of each function bodies that it takes, which together lack each optional field. */
const bodies: Record<string, Body[]> = {
  console: [{ ask: "models" }],
  events: [{ events: [] }],
  ideas: [{}],
  recommend: [{}],
  similar: [{ post_id: id }, { find: "people" }],
};

/** The paths of the optional fields of an object, nested ones included. */
function optionalFields(schema: z.ZodObject): string[][] {
  return Object.entries(schema.shape as Record<string, z.ZodType>).flatMap(([name, field]) => {
    const own = field.safeParse(undefined).success ? [[name]] : [];
    const inner = field instanceof z.ZodOptional || field instanceof z.ZodDefault ? field.unwrap() : field;
    const below = inner instanceof z.ZodObject ? optionalFields(inner).map((path) => [name, ...path]) : [];
    return [...own, ...below];
  });
}

/** The body with a value at this path, and the objects on the way. */
function withValue(body: Body, [name, ...path]: string[], value?: unknown): Body {
  const inner = path.length === 0 ? value : withValue((body[name] ?? {}) as Body, path, value);
  return { ...body, [name]: inner };
}

for (const { name, requests } of apis) {
  if (!requests.POST) continue;
  const read = functions.find((each) => each.name === name)?.read.POST as ((body: string) => unknown) | undefined;
  test(`${name}: null in an optional field`, () => {
    assert.ok(read && bodies[name], `${name} has no bodies here`);
    for (const path of optionalFields(requests.POST as z.ZodObject)) {
      const lacking = bodies[name].filter((body) => !(path[0] in body));
      assert.ok(lacking.length > 0, `no body of ${name} lacks ${path.join(".")}`);
      for (const body of lacking) {
        const without = JSON.stringify(withValue(body, path));
        const withNull = JSON.stringify(withValue(body, path, null));
        assert.notEqual(withNull, without);
        assert.deepEqual(read(withNull), read(without), withNull);
      }
    }
  });
}

test("null in an optional field of an event", () => {
  const values: Body = { id, post_id: id, request_id: id, body: "so it is", value: 1 };
  const read = (each: Body) => eventsFunction.read.POST?.(JSON.stringify({ events: [each] }));
  let fields = 0;
  for (const option of event.options) {
    const optional = optionalFields(option).map(([name]) => name);
    const needed = Object.keys(option.shape).filter((name) => !optional.includes(name));
    const { value: type } = option.shape.type;
    const without = { ...Object.fromEntries(needed.map((name) => [name, values[name]])), type };
    const [checked] = read(without) ?? [];
    assert.ok(checked && "event" in checked, `${type}: ${JSON.stringify(checked)}`);
    for (const name of optional) assert.deepEqual(read({ ...without, [name]: null }), [checked], `${type}.${name}`);
    fields += optional.length;
  }
  assert.ok(fields >= event.options.length, "each has occurred_at");
});

test("null in a parameter of the console", () => {
  const read = (parameters: Body) => consoleFunction.read.POST?.(JSON.stringify({ ask: "feed", parameters }));
  assert.deepEqual(read({ user_id: id, limit: null }), read({ user_id: id }));
  assert.throws(() => read({ user_id: null }), { code: "invalid_parameters" });
});
