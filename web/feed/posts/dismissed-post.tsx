import { useEffect, useRef } from "preact/hooks";

/** What is left of a post that was dismissed. It takes the focus from the button that is gone. */
export function DismissedPost({ post_id, title }: { post_id: string; title: string }) {
  const text = useRef<HTMLParagraphElement>(null);
  useEffect(() => text.current?.focus(), []);
  return (
    <li class="card dismissed" id={post_id}>
      <p ref={text} tabIndex={-1}>
        <strong>Dismissed:</strong> {title}
      </p>
    </li>
  );
}
