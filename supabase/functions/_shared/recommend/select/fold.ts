/**
 * One conversation once: what has the same title as a post of the page, or is of the same conversation in recsys.source_conversations, is folded into
 * it. Vectors say nothing of it: of 10.4 million pairs of travel-se within 30 days of each other the two with the same title came twice, and their
 * vectors have cosines of .51 and .71, while none of the ten pairs with the highest cosines (.97 to .98) did.
 */

interface Foldable {
  post: {
    title: string;
    conversation?: string | null;
    author_id: string | null;
    created_at: number;
    edited_at?: number | null;
  };
}

/** Tells which of some posts are one conversation with another. */
export function openConversation<Post extends Foldable>(posts: Post[]): (with_: Post) => Post[] {
  const keys = Int32Array.from(posts, ({ post }) => titleKey(post.title));
  // nearly always none
  const ofConversations = posts.filter(({ post }) => post.conversation);
  return (other) => {
    const key = titleKey(other.post.title);
    const { conversation } = other.post;
    const same = new Set(conversation ? ofConversations.filter(({ post }) => post.conversation === conversation) : []);
    for (let i = keys.indexOf(key); i >= 0; i = keys.indexOf(key, i + 1))
      if (isSame(posts[i].post.title, other.post.title)) same.add(posts[i]);
    same.delete(other);
    return [...same];
  };
}

/**
 * Whether a post may be folded into another: it is by the same author, or was said no earlier. Two copies of what stood in most feeds took it out of
 * all of them, 9.8 % of the places of 60 people; and so did an old post that was edited.
 */
export function mayFold({ post }: Foldable, { post: into }: Foldable): boolean {
  return saidAt(post) >= saidAt(into) || (post.author_id !== null && post.author_id === into.author_id);
}

/** In milliseconds since 1970. */
export function saidAt({ created_at, edited_at }: Foldable["post"]): number {
  return Math.max(created_at, edited_at ?? 0);
}

/** Tells which titles are the same as one of these. */
export function sameTitles(titles: string[]): (title: string) => boolean {
  const keys = new Map(titles.map((title) => [titleKey(title), title]));
  return (title) => {
    const same = keys.get(titleKey(title));
    return same !== undefined && isSame(same, title);
  };
}

/** Whether two titles have the same words, whatever the capital letters and signs: two words at least, since "Question" says too little. */
function isSame(a: string, b: string): boolean {
  const words = wordsOf(a);
  return words.includes(" ") && words === wordsOf(b);
}

function wordsOf(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, " ")
    .trim();
}

/** Of ASCII: digits and small letters; 0: signs. */
const letters = Uint8Array.from({ length: 128 }, (_, code) => (/[a-z0-9]/.test(String.fromCharCode(code)) ? code : 0));

/** So that few titles have to be compared: of 550 it takes .2 ms, and their words took .6. Of all letters, since titles may begin alike. */
function titleKey(title: string): number {
  const text = title.toLowerCase();
  let key = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    // beyond ASCII the signs of all scripts: quotation marks, dashes and the like
    const letter = code < 128 ? letters[code] : code >= 0x2000 && code < 0x2070 ? 0 : code;
    if (letter !== 0) key = Math.imul(key ^ letter, 0x9e3779b1);
  }
  return key;
}
