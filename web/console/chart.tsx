import { type Plot, type PlotOptions, plot } from "@observablehq/plot";
import { useEffect, useRef } from "preact/hooks";

interface ChartProps<Datum> {
  /** What it shows, for who cannot see it. */
  label: string;
  options: PlotOptions | ((width: number) => PlotOptions);
  /** Told what was clicked, where a mark points at something. */
  onChoose?: (datum: Datum) => void;
}

/** A plot as wide as its place. */
export function Chart<Datum>({ label, options, onChoose }: ChartProps<Datum>) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const holder = place.current as HTMLDivElement;
    let drawnAt = 0;
    // its first call comes when the page is laid out, later ones where the place changes its size, as it does by being drawn into
    const watch = new ResizeObserver(() => {
      const width = holder.clientWidth;
      if (width === 0 || width === drawnAt) return;
      drawnAt = width;
      const figure: Element & Plot = drawn({ width, ...(typeof options === "function" ? options(width) : options) });
      figure.addEventListener("click", () => {
        if (figure.value) onChoose?.(figure.value);
      });
      holder.replaceChildren(figure);
    });
    watch.observe(holder);
    return () => watch.disconnect();
  }, [options, onChoose]);
  return <div class="chart" role="img" aria-label={label} ref={place} />;
}

/** A plot as the console's pages draw it; its parts have names, which takes a role too. */
export function drawn(options: PlotOptions): (SVGSVGElement | HTMLElement) & Plot {
  const figure = plot({ style: { background: "none", fontSize: "12px" }, ...options });
  for (const part of figure.querySelectorAll("g[aria-label]")) part.setAttribute("role", "group");
  return figure;
}
