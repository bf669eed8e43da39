/** The type that every language's catalogue has: English's, with any text where English has one
 * particular text. A missing word does not compile. */
import type { en } from "./en";

type Words<T> = { [K in keyof T]: T[K] extends string ? string : T[K] extends (...given: infer G) => string ? (...given: G) => string : Words<T[K]> };
export type Catalogue = Words<typeof en>;
