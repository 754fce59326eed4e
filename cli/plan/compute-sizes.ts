/** Supabase's compute sizes as https://supabase.com/docs/guides/platform/compute-and-disk had them; looked up on the day below. */

export const sizesLookedUp = "2026-11-30";

export interface ComputeSize {
  name: string;
  cores: number;
  /** Whether others use the same cores: what it can do then is a burst. */
  isShared: boolean;
  /** In GB. */
  memory: number;
  /** In GB: the largest database that is recommended. */
  disk: number;
}

export const computeSizes: readonly ComputeSize[] = [
  { name: "Micro", cores: 2, isShared: true, memory: 1, disk: 10 },
  { name: "Small", cores: 2, isShared: true, memory: 2, disk: 50 },
  { name: "Medium", cores: 2, isShared: true, memory: 4, disk: 100 },
  { name: "Large", cores: 2, isShared: false, memory: 8, disk: 200 },
  { name: "XL", cores: 4, isShared: false, memory: 16, disk: 500 },
  { name: "2XL", cores: 8, isShared: false, memory: 32, disk: 1_000 },
  { name: "4XL", cores: 16, isShared: false, memory: 64, disk: 2_000 },
  { name: "8XL", cores: 32, isShared: false, memory: 128, disk: 4_000 },
  { name: "12XL", cores: 48, isShared: false, memory: 192, disk: 6_000 },
  { name: "16XL", cores: 64, isShared: false, memory: 256, disk: 10_000 },
];
