import type { Catalogue } from "../catalogue";

export const contacts: Catalogue["contacts"] = {
  text: "Ceux que vos publications mentionnent. Tapé derrière @ dans la rédaction, un nom devient leur propre identifiant sur chaque réseau, et reste un simple nom là où ils n’en ont pas. Ce qui est déjà envoyé ou programmé reste tel quel.",
  add: "Ajouter quelqu’un",
  empty: "Personne dans le carnet d’adresses",
  nameHint: "Ce qui part là où il n’y a pas d’identifiant",
  allBrands: "Toutes les marques",
  handles: "Identifiants",
  handleOn: (network: string) => `Identifiant sur ${network}`,
  handleHint: (example: string) => (example ? `Par exemple ${example}, ou l’adresse du profil. Vide\u202f: le nom part` : "Vide\u202f: le nom part"),
  nameOnly: "Par le nom seulement",
  gone: "personne ne s’y appelle plus ainsi",
  check: "Vérifier",
  found: "trouvé",
  goneOn: (name: string, networks: string) => `${name}\u202f: personne ne s’appelle plus ainsi sur ${networks}\u202f; le simple nom y part.`,
  allFound: (name: string) => `${name}\u202f: chaque réseau connaît l’identifiant.`,
  removeText: "Les publications envoyées ou programmées gardent ce qu’elles disent. Un brouillon qui les nomme est refusé tant qu’il n’est pas changé.",
};
