import type { Catalogue } from "../catalogue";

export const keyboard: Catalogue["keyboard"] = {
  text: "La touche de chaque action. C’est le caractère produit qui compte : tous les claviers conviennent. Vos changements vous suivent dans chaque navigateur.",
  change: "Changer ou désactiver des touches",
  areOff: "les touches simples sont désactivées",
  off: "Pas de raccourcis à une seule touche",
  offHint: "Pour qui dicte, ou appuie par mégarde. Ce qui se presse avec Ctrl fonctionne toujours, ainsi que la palette (Ctrl K).",
  changeOf: (name) => `Changer la touche : ${name}`,
  changeIt: "Changer",
  without: "Aucune touche",
  withoutOf: (name) => `Aucune touche : ${name}`,
  none: "aucune",
  press: "Appuyez sur une touche, ou sur Échap pour laisser",
  taken: (p) => `« ${p.key} » est prise par « ${p.name} ». Choisissez-en une autre, ou changez d’abord celle-là.`,
  refused: "Choisissez une lettre, un chiffre ou un signe, avec ou sans Maj. Ce dont les navigateurs et les lecteurs d’écran ont besoin leur est laissé.",
  changed: (p) => `${p.name} : ${p.key}`,
  reset: "Comme à l’origine",
  fixed: "reste",
};
