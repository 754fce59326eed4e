interface DismissedPostProps {
  title: string;
  undo(): void;
}

/** What is left of a post that was dismissed. */
export function DismissedPost({ title, undo }: DismissedPostProps) {
  return (
    <div class="row spread">
      <p>
        <strong>Dismissed:</strong> {title}
      </p>
      <button type="button" onClick={undo}>
        Undo
        <span class="hidden">that you dismissed {title}</span>
      </button>
    </div>
  );
}
