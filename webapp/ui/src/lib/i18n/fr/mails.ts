import type { Catalogue } from "../catalogue";
import { forms } from "../plural";

const many = forms("fr");

/** Les courriels tels qu’ils se présentent. */
export const mails: Catalogue["mails"] = {
  format: "Afficher la mise en forme",
  plain: "Afficher le texte brut",
  frame: (p) => (p.subject ? `Courriel de ${p.author}\u202f: ${p.subject}` : `Courriel de ${p.author}`),
  images: (n) => `Afficher ${n} ${many(n, "image", "images")}`,
  imagesWhy: "Nous les chargeons pour vous\u202f: leur serveur apprend que le courriel a été ouvert, et rien de vous.",
  loading: (p) => `Chargement des images\u202f: ${p.done} sur ${p.all}`,
  missing: (n) => (n === 1 ? "Une image ne peut pas être affichée." : `${n} images ne peuvent pas être affichées.`),
  failed: "La mise en forme ne peut pas être affichée",
};
