import { type Plot, type PlotOptions, plot } from "@observablehq/plot";

/** A plot as the console's pages draw it; its parts have names, which takes a role too. */
export function drawn(options: PlotOptions): (SVGSVGElement | HTMLElement) & Plot {
  const figure = plot({ style: { background: "none", fontSize: "12px" }, ...options });
  for (const part of figure.querySelectorAll("g[aria-label]")) part.setAttribute("role", "group");
  return figure;
}
