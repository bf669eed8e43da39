import type { Catalogue } from "../catalogue";
import { forms } from "../plural";

const many = forms("fr");

export const experts: Catalogue["experts"] = {
  group: "Experts en",
  hint: (n) => `${n} ${many(n, "expert", "experts")}`,
  takeOut: "Retirer aux experts",
  put: (name, topic) => `${name}\u202f: soumise aux experts en ${topic}.`,
  taken: (name) => `${name}\u202f: de retour au comptoir.`,
  text: "Qui s’y connaît en quoi. Une question est soumise aux experts d’un sujet par «\u00a0a\u00a0»\u202f; ils voient les questions ouvertes de leurs sujets et rien d’autre, en prennent une et répondent au nom de l’entreprise.",
  empty: "Pas encore de sujet",
  add: "Ajouter un sujet",
  everyBrand: "Toutes les marques",
  brand: "De quelle marque",
  experts: "Experts",
  expertsHint: "Ils n’ont besoin d’aucun autre droit.",
  nobody: "pas encore d’expert",
  reviewed: "Un collègue approuve d’abord leurs réponses",
  reviewedMark: "réponses approuvées d’abord",
  minutes: "Retour au seul comptoir après (minutes)",
  minutesHint: "Ce qu’aucun expert ne prend dans ce délai\u202f; qui l’a soumise et son équipe sont prévenus.",
  returns: (n) => `retour après ${n}\u00a0min`,
  removeText: "Ses experts ne voient plus rien, et ce qui leur était soumis revient au seul comptoir.",
  credit: "Signature des experts",
  creditHint: "Termine leurs réponses. {name}\u202f: leur prénom, {topic}\u202f: le sujet. Vide\u202f: aucune.",
};
