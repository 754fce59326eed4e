/**
 * Which row a uuid has. As the keys of a Map, 33,000 ids were 3.5 MB of texts and tables that a garbage collector looks through; here each is 16 bytes and a
 * place of 6 to 12, outside of its heap.
 */

/** Rows from 0 to `rows` − 1, each of at most one id. */
export function createUuidIndex(rows: number) {
  /** Four words a row. */
  const ids = new Uint32Array(4 * rows);
  /** The row + 1 of an id at its place or behind it; 0: nothing was there, −1: what was there is forgotten. */
  const places = new Int32Array(2 ** Math.ceil(Math.log2(1.5 * rows)));
  const mask = places.length - 1;
  const sought = new Uint32Array(4);

  /** The place of the sought id, or the first that is free for it. */
  function placeOfSought(): number {
    let free = -1;
    for (let place = hashOf(sought, 0) & mask; ; place = (place + 1) & mask) {
      const row = places[place] - 1;
      if (row === -1) return free < 0 ? place : free;
      if (row < 0) {
        if (free < 0) free = place;
      } else if (isSought(4 * row)) return place;
    }
  }

  function isSought(at: number): boolean {
    return ids[at] === sought[0] && ids[at + 1] === sought[1] && ids[at + 2] === sought[2] && ids[at + 3] === sought[3];
  }

  return {
    of(id: string): number | undefined {
      if (!readUuid(id, sought)) return undefined;
      const row = places[placeOfSought()] - 1;
      return row < 0 ? undefined : row;
    },
    /** Gives an id its row, instead of the one it had; false: it is no uuid. */
    set(id: string, row: number): boolean {
      if (!readUuid(id, sought)) return false;
      places[placeOfSought()] = row + 1;
      ids.set(sought, 4 * row);
      return true;
    },
    forget(id: string): void {
      if (!readUuid(id, sought)) return;
      const place = placeOfSought();
      if (places[place] > 0) places[place] = -1;
    },
    /**
     * Gives the rows from `from` up to, not including `to` to others. An id that had one of them has that of these which `rowFor` gives it for its
     * row, and is forgotten where it gives none.
     */
    renew(from: number, to: number, rowFor: (row: number) => number | undefined): void {
      const [idsBefore, placesBefore] = [ids.slice(4 * from, 4 * to), places.slice()];
      places.fill(0);
      for (const each of placesBefore) {
        if (each <= 0) continue;
        let row: number | undefined = each - 1;
        if (row >= from && row < to) {
          const before = 4 * (row - from);
          row = rowFor(row);
          if (row === undefined) continue;
          for (let word = 0; word < 4; word++) ids[4 * row + word] = idsBefore[before + word];
        }
        let place = hashOf(ids, 4 * row) & mask;
        while (places[place] > 0) place = (place + 1) & mask;
        places[place] = row + 1;
      }
    },
  };
}

/** Another seed in each worker, so that no user can choose ids that all have one place. */
const [seed] = crypto.getRandomValues(new Uint32Array(1));

function hashOf(ids: Uint32Array, at: number): number {
  let hash = seed;
  for (let i = at; i < at + 4; i++) {
    hash = Math.imul(hash ^ ids[i], 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return hash;
}

/** Where four digits of a uuid begin: none of these runs has a hyphen in it. */
const runs = [0, 4, 9, 14, 19, 24, 28, 32];
/** The value of a letter as a hexadecimal digit; 16: it is none. */
const digits = Uint8Array.from({ length: 128 }, (_, code) => {
  const digit = "0123456789abcdef".indexOf(String.fromCharCode(code));
  return digit < 0 ? 16 : digit;
});

/** Reads a uuid as PostgreSQL writes it into four words; false: it is none. */
function readUuid(id: string, words: Uint32Array): boolean {
  if (id.length !== 36) return false;
  let all = 0;
  for (let run = 0; run < runs.length; run++) {
    const at = runs[run];
    let number = 0;
    for (let i = at; i < at + 4; i++) {
      const code = id.charCodeAt(i);
      const digit = code < 128 ? digits[code] : 16;
      all |= digit;
      number = (number << 4) | digit;
    }
    words[run >> 1] = run & 1 ? words[run >> 1] | number : number << 16;
  }
  return all < 16;
}
