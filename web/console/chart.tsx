import { plot } from "@observablehq/plot";
import { useEffect, useRef } from "preact/hooks";

interface ChartProps {
  /** What it shows, for who cannot see it. */
  label: string;
  options: Parameters<typeof plot>[0];
}

/** A plot as wide as its place. */
export function Chart({ label, options }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const holder = place.current as HTMLDivElement;
    const draw = () =>
      holder.replaceChildren(
        plot({ width: holder.clientWidth, style: { background: "none", fontSize: "12px" }, ...options }),
      );
    draw();
    const watch = new ResizeObserver(draw);
    watch.observe(holder);
    return () => watch.disconnect();
  }, [options]);
  return <div class="chart" role="img" aria-label={label} ref={place} />;
}
