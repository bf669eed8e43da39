import type { Catalogue } from "../catalogue";
import { forms } from "../plural";

const many = forms("fr");

export const customers: Catalogue["customers"] = {
  open: "Ouvrir sa page",
  find: "Trouver un client par son nom ou son identifiant",
  pick: "Qui cherchez-vous\u202f?",
  pickText: "Les clients se trouvent par le nom et l’identifiant qu’ils ont sur un réseau, s’ils ont écrit à un compte que vous pouvez voir.",
  none: "Personne de ce nom",
  history: "Conversations sur tous les réseaux",
  vip: "VIP",
  isVip: "Marqué comme VIP.",
  noVip: "N’est plus VIP.",
  blocked: "Bloqué",
  isBlocked: "Bloqué\u202f: ce qu’il écrira sera mis de côté comme indésirable.",
  notBlocked: "N’est plus bloqué.",
  join: "Réunir avec un autre…",
  joinTitle: (name) => `Qui d’autre est ${name}\u202f?`,
  joinText: "Leurs identités se retrouvent ici. Chaque réponse va toujours à l’identité qui a écrit. Cela peut être défait.",
  joinFind: "Nom ou identifiant",
  maybe: "Peut-être la même personne",
  wouldCome: (name) => `De ${name} viendraient\u00a0:`,
  wouldBring: (p) => `${p.conversations} ${many(p.conversations, "conversation", "conversations")}, ${p.notes} ${many(p.notes, "note", "notes")}`,
  becomesVip: "Le client devient VIP.",
  blockedEnds: "L’un des deux est bloqué. Réunis, ils ne le sont plus\u202f: seul qui est bloqué des deux côtés le reste.",
  joinAct: (name) => `Réunir avec ${name}`,
  joinedToast: "Réunis. Ils peuvent être séparés de nouveau.",
  joined: (p) => `${p.by} a réuni ${p.name} (${p.n} ${many(p.n, "identité", "identités")})`,
  separate: "Séparer",
  separatedToast: "Séparés\u202f: ce qui était venu avec est reparti avec.",
  suggested: (p) => `Peut-être aussi ${p.name}\u202f: a écrit l’adresse ${p.address}`,
  notes: "Notes sur ce client",
  noteNew: "Une note pour vos collègues",
  noteAdd: "Ajouter la note",
  noteOld: "D’avant",
  noteRemove: "Retirer la note",
};
