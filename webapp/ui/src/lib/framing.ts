/** How a picture is shown: turned, cut, and the point of it that stays in sight. Pure; pixels are those of the picture after its turn. */
import type { FrameIn, Framing, Media } from "./api/types";

export interface Size {
  width: number;
  height: number;
}
export interface Frame extends Size {
  turn: 0 | 90 | 180 | 270;
  left: number;
  top: number;
  /** From (-1, -1), the left lower corner of what is shown, to (1, 1). */
  focus: { x: number; y: number } | null;
}
/** A frame in a post; `url`: what is shown, once it was made. */
export interface Framed extends Frame {
  url: string | null;
}
export const SHAPES = { free: 0, square: 1, portrait: 4 / 5, wide: 16 / 9, link: 1.91 } as const;
export type Shape = keyof typeof SHAPES;
export const LEAST = 16;

/** What can be cut: still pictures of a known size. */
export const isStill = (file: Media): boolean => ["image/jpeg", "image/png", "image/webp"].includes(file.mime) && Boolean(file.width && file.height);
export const sizeOf = (file: Media): Size => ({ width: file.width ?? 1, height: file.height ?? 1 });
export const turnedSize = (size: Size, turn: number): Size => (turn % 180 ? { width: size.height, height: size.width } : size);
export const whole = (size: Size): Frame => ({ turn: 0, left: 0, top: 0, ...size, focus: null });
export const isWhole = (frame: Frame, size: Size): boolean => frame.turn === 0 && frame.width === size.width && frame.height === size.height;

const within = (value: number, least: number, most: number): number => Math.round(Math.max(least, Math.min(most, value)));

export function moved(frame: Frame, dx: number, dy: number, size: Size): Frame {
  return { ...frame, left: within(frame.left + dx, 0, size.width - frame.width), top: within(frame.top + dy, 0, size.height - frame.height) };
}

/** Pulled at a corner or side (`hx`, `hy`: -1 left or top, 1 right or bottom, 0 neither), the opposite one stays; `ratio` 0: any shape. */
export function pulled(frame: Frame, hx: number, hy: number, dx: number, dy: number, size: Size, ratio: number): Frame {
  const most = { width: hx < 0 ? frame.left + frame.width : size.width - frame.left, height: hy < 0 ? frame.top + frame.height : size.height - frame.top };
  const least = { width: Math.min(LEAST, size.width), height: Math.min(LEAST, size.height) };
  let width = within(frame.width + hx * dx, least.width, most.width);
  let height = within(frame.height + hy * dy, least.height, most.height);
  if (ratio) {
    const wanted = Math.max(hx ? width : 0, hy ? height * ratio : 0, least.width, least.height * ratio);
    width = Math.round(Math.min(wanted, most.width, most.height * ratio));
    height = within(width / ratio, 1, most.height);
  }
  return { ...frame, width, height, left: hx < 0 ? frame.left + frame.width - width : frame.left, top: hy < 0 ? frame.top + frame.height - height : frame.top };
}

/** The largest of this shape that there is, about where the frame is now. */
export function shaped(frame: Frame, ratio: number, size: Size): Frame {
  if (!ratio) return frame;
  const width = Math.round(Math.min(size.width, size.height * ratio));
  const height = within(width / ratio, 1, size.height);
  const [x, y] = [frame.left + frame.width / 2, frame.top + frame.height / 2];
  return { ...frame, width, height, left: within(x - width / 2, 0, size.width - width), top: within(y - height / 2, 0, size.height - height) };
}

/** Turned by a quarter, to the right or the left: the same part of the picture is shown. `size` is that before. */
export function turned(frame: Frame, right: boolean, size: Size): Frame {
  const { left, top, width, height, focus } = frame;
  const place = right ? { left: size.height - top - height, top: left } : { left: top, top: size.width - left - width };
  const eye = focus && (right ? { x: focus.y, y: -focus.x } : { x: -focus.y, y: focus.x });
  return { turn: ((frame.turn + (right ? 90 : 270)) % 360) as Frame["turn"], ...place, width: height, height: width, focus: eye };
}

/** Figures as somebody typed them, brought into the picture. */
export function typed(frame: Frame, what: Partial<Record<"left" | "top" | "width" | "height", number>>, size: Size): Frame {
  const wish = { ...frame, ...what };
  const width = within(wish.width, Math.min(LEAST, size.width), size.width - (what.width === undefined ? 0 : frame.left));
  const height = within(wish.height, Math.min(LEAST, size.height), size.height - (what.height === undefined ? 0 : frame.top));
  return { ...frame, width, height, left: within(wish.left, 0, size.width - width), top: within(wish.top, 0, size.height - height) };
}

const hundredths = (value: number): number => Math.round(Math.max(-1, Math.min(1, value)) * 100) / 100;
export const focused = (frame: Frame, x: number, y: number): Frame => ({ ...frame, focus: { x: hundredths(x), y: hundredths(y) } });

/** What a place shows that keeps the point in sight, for `object-position`. */
export const position = (frame: Frame | undefined): string | null => (frame?.focus ? `${(frame.focus.x + 1) * 50}% ${(1 - frame.focus.y) * 50}%` : null);

export const frameIn = ({ turn, left, top, width, height, focus }: Frame): Required<FrameIn> => ({ turn, left, top, width, height, focus });
export const framed = ({ turn, left, top, width, height, focus, url }: Framing): Framed => ({ turn: turn as Frame["turn"], left, top, width, height, focus, url });
