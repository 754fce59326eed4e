/** The points that an idea could cover. */
export function Points({ points }: { points: string[] }) {
  return (
    <ul class="points" aria-label="What it could speak of">
      {points.map((point) => (
        <li key={point} dir="auto">
          {point}
        </li>
      ))}
    </ul>
  );
}
