import assert from "node:assert/strict";
import { test } from "node:test";
import { tableOf } from "./page.ts";
import { barPlot, escapeHtml, linePlot, ticks, whiskers } from "./svg.ts";

test("ticks are round and enclose what they must", () => {
  assert.deepEqual(ticks(0, 0.41), [0, 0.1, 0.2, 0.3, 0.4, 0.5]);
  assert.deepEqual(ticks(0, 100), [0, 20, 40, 60, 80, 100]);
  assert.deepEqual(ticks(3, 3), [3]);
});

test("names cannot break out of the page", () => {
  assert.equal(escapeHtml(`<a href="x">&`), "&lt;a href=&quot;x&quot;&gt;&amp;");
  assert.doesNotMatch(barPlot("t", [{ label: "<script>", role: "other", mean: 1, low: 1, high: 1 }]), /<script>/);
});

test("the longest bar ends at its value on the axis; a missing value has none", () => {
  const svg = barPlot("t", [
    { label: "whole", role: "primary", mean: 1, low: 1, high: 1 },
    { label: "none", role: "other", mean: Number.NaN, low: Number.NaN, high: Number.NaN },
  ]);
  assert.equal(svg.match(/<rect/g)?.length, 1);
  assert.match(svg, /<rect x="175" y="30" width="295"/);
  assert.doesNotMatch(svg, /NaN/);
});

test("a line runs from corner to corner of its axes, without points that are not finite", () => {
  const svg = linePlot("t", "x", [
    {
      name: "up",
      role: "primary",
      points: [
        [0, 0],
        [0.5, Number.NaN],
        [1, 1],
      ],
    },
  ]);
  assert.match(svg, /d="M44\.0 284\.0L450\.0 30\.0"/);
});

test("a line of one point is a dot", () => {
  const points: [number, number][] = [[1, 2]];
  assert.equal(linePlot("t", "x", [{ name: "one", role: "primary", points }]).match(/<circle/g)?.length, 1);
});

test("names are whole, or end in an ellipsis where a plot has no room for them", () => {
  const bar = (label: string) => barPlot("t", [{ label, role: "primary", mean: 1, low: 1, high: 1 }]);
  const left = (svg: string) => Number(/<rect x="([\d.]+)"/.exec(svg)?.[1]);
  assert.equal(left(bar("short")), 175);
  // bold letters are some 7 pixels wide
  assert.ok(left(bar("model-20261126-133840673")) > 24 * 7);
  assert.match(bar("x".repeat(50)), />x{31}…</);
  assert.match(linePlot("t", "x", [{ name: "y".repeat(50), role: "other", points: [[0, 0]] }]), />y{31}…</);
});

test("sentences in a table may break, numbers do not", () => {
  const html = tableOf(["post", "events"], [["A <long> title", "3"]], { texts: [0] });
  assert.match(html, /<td class="text">A &lt;long&gt; title<\/td><td>3<\/td>/);
});

test("the axis of shares ends at 1, and no whisker is longer", () => {
  const svg = barPlot("t", [{ label: "nearly all", role: "primary", ...whiskers({ mean: 0.97, error: 0.1 }) }], 1);
  assert.match(svg, />1<\/text>/);
  assert.doesNotMatch(svg, />1\.2<\/text>/);
  assert.match(svg, /<line x1="[\d.]+" x2="470" y1="36"/);
});
