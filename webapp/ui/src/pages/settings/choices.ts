/** Choices of a custom field as lines of a text: "lost: Lost bag", or only the name. */
import type { CustomField } from "$lib/api/types";

type Choice = CustomField["choices"][number];
const LINE = /^([a-z][a-z0-9_]{0,39})\s*:\s*(.+)$/;

/** A name as a key: small letters, digits and _, beginning with a letter; empty where nothing of it is left. */
export function asKey(name: string): string {
  const plain = name.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().replace(/[^a-z0-9]+/g, "_").replace(/^_+|_+$/g, "");
  return plain && /^[a-z]/.test(plain) ? plain.slice(0, 40) : plain && `f_${plain}`.slice(0, 40);
}

export function choicesIn(lines: string): Choice[] {
  return lines.split("\n").map((line) => line.trim()).filter(Boolean).map((line, place) => {
    const said = LINE.exec(line);
    return said ? { key: said[1] ?? "", name: (said[2] ?? "").trim() } : { key: asKey(line) || `c_${place + 1}`, name: line };
  });
}

export const linesOf = (choices: Choice[]): string => choices.map((one) => `${one.key}: ${one.name}`).join("\n");
