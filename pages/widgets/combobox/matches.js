// Which options begin as typed, and which of them Enter takes.

/**
 * @typedef {object} Option
 * @property {string} value
 * @property {string} text
 * @property {string[]} words folded words that find it; the first is its name
 * @property {number | null} count how many photos have it; null where that is not known
 */

/**
 * Fold case, underscores, spaces and accents as `fold_accents` in scene_model/search/label_prefixes.py.
 * @param {string} text
 */
export function folded(text) {
  return text
    .toLowerCase()
    .replaceAll("ß", "ss")
    .replaceAll("ς", "σ")
    .normalize("NFD")
    .replace(/[\u0300-\u036f]/g, "")
    .replace(/[_\s]+/g, " ")
    .trim();
}

const IS_NAME = 0;
const IS_WORD = 1;
const NAME_BEGINS = 2;
const WORD_BEGINS = 3;
const LATER_WORD_BEGINS = 4;

/** How well an option matches, and the length of the word that does; null if none does. */
function rank(option, start) {
  const [name] = option.words;
  if (name === start) return { option, tier: IS_NAME, length: 0 };
  if (option.words.includes(start)) return { option, tier: IS_WORD, length: 0 };
  if (name.startsWith(start)) return { option, tier: NAME_BEGINS, length: name.length };
  const lengths = option.words.filter((word) => word.startsWith(start)).map((word) => word.length);
  if (lengths.length) return { option, tier: WORD_BEGINS, length: Math.min(...lengths) };
  if (!name.includes(` ${start}`)) return null;
  return { option, tier: LATER_WORD_BEGINS, length: name.length };
}

/**
 * The options that match, best first: those with little left to type before longer ones. `best` is
 * the one that Enter takes: the first, if its name or another of its words begins as typed. `isKnown`: whether an option is called exactly so.
 * @param {Option[]} options in the order to keep among equally good ones
 * @param {string} typed
 */
export function matching(options, typed) {
  const start = folded(typed);
  if (!start) return { shown: options, best: null, isKnown: true };
  const ranked = options
    .map((option) => rank(option, start))
    .filter((ranked) => ranked !== null)
    .sort((a, b) => a.tier - b.tier || a.length - b.length);
  const shown = ranked.map(({ option }) => option);
  const best = ranked.length && ranked[0].tier < LATER_WORD_BEGINS ? shown[0] : null;
  return { shown, best, isKnown: ranked.some(({ tier }) => tier === IS_NAME) };
}

/** The word of an option to show beside its name: the one that was typed, if that is not the name. */
export function foundBy({ words }, typed) {
  const start = folded(typed);
  const [name] = words;
  if (!start || name.startsWith(start) || name.includes(` ${start}`)) return "";
  return words.find((word) => word.startsWith(start)) ?? "";
}
