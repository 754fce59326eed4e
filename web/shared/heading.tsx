import { useEffect, useRef } from "preact/hooks";

let isFirst = true;

interface HeadingProps {
  text: string;
  /** The view goes on where its reader left it, and takes the focus there itself. */
  goesOn?: boolean;
}

/** A view's heading: when the view comes after another, it begins at its top, and a keyboard and a screen reader go on from here. */
export function Heading({ text, goesOn = false }: HeadingProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = text;
    if (!isFirst && !goesOn) {
      heading.current?.focus({ preventScroll: true });
      scrollTo(0, 0);
    }
    isFirst = false;
  }, [text]);
  return (
    <h1 ref={heading} tabIndex={-1}>
      {text}
    </h1>
  );
}
