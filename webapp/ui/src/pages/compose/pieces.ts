/** The pieces of a post: the post itself, then a thread's further items; and where accounts differ. */
import type { Account, CardDecided, CardIn, Framing, FramingIn, Id, Media, Post, VariantIn } from "$lib/api/types";
import { frameIn, framed, type Framed } from "$lib/framing";

/** How files are shown that are not shown whole. */
export type Frames = Record<Id, Framed>;

/** What was decided about the card of a link; not shown: that there is none. */
export interface LinkCard {
  shown: boolean;
  url: string;
  title: string;
  description: string;
  picture: Media | null;
}

/** One thing to read, with its files. `key` lasts as long as the page, for moving it about. */
export interface Piece {
  key: number;
  text: string;
  media: Media[];
  /** Undefined: nobody decided. */
  card?: LinkCard | undefined;
}

/** What one account has of its own; what is not here follows the common post. */
export interface Own {
  text?: string;
  media?: Media[];
  items?: Piece[];
  comment?: string;
  frames?: Frames;
  /** Of every piece, in order. */
  cards?: (LinkCard | undefined)[];
}
export type Part = keyof Own;

/** The post as it stands somewhere. */
export interface Whole {
  pieces: Piece[];
  comment: string;
  frames: Frames;
}

let last = 0;
export const newPiece = (text = "", media: Media[] = []): Piece => ({ key: ++last, text, media });

const sameFiles = (one: Media[], other: Media[]): boolean => one.length === other.length && one.every((file, n) => file.id === other[n]?.id);
export const sameItems = (one: Piece[], other: Piece[]): boolean =>
  one.length === other.length && one.every((piece, n) => piece.text === other[n]?.text && sameFiles(piece.media, other[n].media));

export function merged(common: Whole, own: Own | undefined): Whole {
  const [first = newPiece(), ...items] = common.pieces;
  const top = { ...first, text: own?.text ?? first.text, media: own?.media ?? first.media };
  const pieces = [top, ...(own?.items ?? items)].map((piece, n) => ({ ...piece, card: own?.cards ? own.cards[n] : common.pieces[n]?.card }));
  return { pieces, comment: own?.comment ?? common.comment, frames: own?.frames ?? common.frames };
}

/** What `whole` has that the common post has not; undefined where it is the same. */
export function ownOf(common: Whole, whole: Whole): Own | undefined {
  const [first = newPiece(), ...items] = common.pieces;
  const [top = newPiece(), ...rest] = whole.pieces;
  const own: Own = {};
  if (top.text !== first.text) own.text = top.text;
  if (!sameFiles(top.media, first.media)) own.media = top.media;
  if (!sameItems(rest, items)) own.items = rest;
  if (whole.comment !== common.comment) own.comment = whole.comment;
  if (!sameCards(whole.pieces, common.pieces)) own.cards = cardsOf(whole.pieces);
  if (!sameFrames(whole.frames, common.frames)) own.frames = whole.frames;
  return Object.keys(own).length ? own : undefined;
}

export const framingIn = (frames: Frames): FramingIn[] => Object.entries(frames).map(([id, frame]) => ({ media_id: Number(id), ...frameIn(frame) }));
const sameFrames = (one: Frames, other: Frames): boolean => JSON.stringify(framingIn(one)) === JSON.stringify(framingIn(other));
const framesOf = (framing: Framing[]): Frames => Object.fromEntries(framing.map((one) => [one.media_id, framed(one)]));
/** What is shown of a file there. */
export const shownOf = (whole: Whole, file: Media): string => whole.frames[file.id]?.url ?? file.poster_url ?? file.url;
/** What a picture can be shown of: a picture itself, or a film. */
export const hasPicture = (file: Media): boolean => file.mime.startsWith("image/") || file.poster_url !== null;

const cardsOf = (pieces: Piece[]): (LinkCard | undefined)[] => pieces.map((piece) => piece.card);
export const cardsIn = (cards: (LinkCard | undefined)[]): CardIn[] =>
  cards.flatMap((card, item) => (card ? [{ item, shown: card.shown, url: card.url, title: card.title, description: card.description, media_id: card.picture?.id ?? null }] : []));
const sameCards = (one: Piece[], other: Piece[]): boolean => JSON.stringify(cardsIn(cardsOf(one))) === JSON.stringify(cardsIn(cardsOf(other)));

const ids = (media: Media[]): Id[] => media.map((file) => file.id);
export const itemsIn = (items: Piece[]): { text: string; media_ids: Id[] }[] => items.map(({ text, media }) => ({ text, media_ids: ids(media) }));

export function variantIn(account: Id, own: Own | undefined): VariantIn {
  return {
    account_id: account,
    text: own?.text ?? null,
    items: own?.items ? itemsIn(own.items) : null,
    first_comment: own?.comment ?? null,
    media_ids: own?.media ? ids(own.media) : null,
    framing: own?.frames ? framingIn(own.frames) : null,
    cards: own?.cards ? cardsIn(own.cards) : null,
    language: null,
    subject: null,
  };
}

/** A post of the server as the page writes it: the common whole, and what is own by account. */
export function readPost(post: Post): { common: Whole; own: Record<Id, Own> } {
  const files = new Map(post.media.map((file) => [file.id, file]));
  const named = (wanted: Id[]): Media[] => wanted.flatMap((id) => files.get(id) ?? []);
  const pieces = (items: Post["items"]): Piece[] => items.map((item) => newPiece(item.text, named(item.media_ids)));
  const own: Record<Id, Own> = {};
  const held = (cards: CardDecided[], items: unknown[]): (LinkCard | undefined)[] =>
    [null, ...items].map((_, n) => {
      const card = cards.find((one) => one.item === n);
      return card && { shown: card.shown, url: card.url, title: card.title, description: card.description, picture: files.get(card.media_id ?? 0) ?? null };
    });
  for (const variant of post.variants) {
    const differs: Own = {
      ...(variant.text !== null && { text: variant.text }),
      ...(variant.media_ids !== null && { media: named(variant.media_ids) }),
      ...(variant.items !== null && { items: pieces(variant.items) }),
      ...(variant.first_comment !== null && { comment: variant.first_comment }),
      ...(variant.framing !== null && { frames: framesOf(variant.framing) }),
      ...(variant.cards !== null && { cards: held(variant.cards, variant.items ?? post.items) }),
    };
    if (Object.keys(differs).length) own[variant.account_id] = differs;
  }
  const cards = held(post.cards, post.items);
  const common = [newPiece(post.text, named(post.media_ids)), ...pieces(post.items)].map((piece, n) => ({ ...piece, card: cards[n] }));
  return { common: { pieces: common, comment: post.first_comment, frames: framesOf(post.framing) }, own };
}

/** What a network takes with a public post, for the words beside a file. */
export function mediaRules(account: Account): { count: number; kinds: string[]; alone: string[]; largest: number } | null {
  const limit = account.media.public;
  if (!limit) return null;
  const short = (mime: string): string => (mime.split("/")[1] ?? mime).replace("quicktime", "mov").toUpperCase();
  const images = Object.entries(limit.max_bytes).filter(([mime]) => mime.startsWith("image/"));
  return { count: limit.max_count, kinds: Object.keys(limit.max_bytes).map(short), alone: limit.alone.map(short), largest: Math.max(0, ...images.map(([, bytes]) => bytes)) };
}
