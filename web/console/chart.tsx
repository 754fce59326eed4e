import type { PlotOptions } from "@observablehq/plot";
import { useEffect, useRef } from "preact/hooks";
import { drawn } from "./drawn.ts";

interface ChartProps {
  /** What it shows, for who cannot see it. */
  label: string;
  options: PlotOptions;
}

/** A plot as wide as its place. */
export function Chart({ label, options }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const holder = place.current as HTMLDivElement;
    const draw = () => holder.replaceChildren(drawn({ width: holder.clientWidth, ...options }));
    draw();
    const watch = new ResizeObserver(draw);
    watch.observe(holder);
    return () => watch.disconnect();
  }, [options]);
  return <div class="chart" role="img" aria-label={label} ref={place} />;
}
