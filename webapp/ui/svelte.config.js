/** Runes everywhere, and a warning (accessibility first) is a failure in `npm run check`. */
export default {
  compilerOptions: { runes: true },
};
