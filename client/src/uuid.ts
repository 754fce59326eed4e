/** A random UUID. crypto.randomUUID is in browsers on https and localhost only, and in React Native nowhere. */
export function randomUuid(): string {
  const { crypto } = globalThis as { crypto?: Partial<Crypto> };
  if (crypto?.randomUUID) return crypto.randomUUID();
  if (!crypto?.getRandomValues)
    throw new Error(
      'an event needs a random id, and there is no crypto.getRandomValues here: in React Native, import "react-native-get-random-values" first, or give each event an id',
    );
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  // version 4, variant 1
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
