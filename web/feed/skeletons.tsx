/** What stands where posts are about to be. */
export function Skeletons() {
  return (
    <div class="stack" role="status">
      <span class="hidden">Loading the feed</span>
      {[1, 2, 3, 4].map((n) => (
        <div key={n} class="card skeleton" aria-hidden="true">
          <i />
          <i />
          <i />
        </div>
      ))}
    </div>
  );
}
