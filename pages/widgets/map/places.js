// Cities, and names for clusters of photos.

const KM_PER_DEGREE = 111.2;
const FARTHEST_KM = 150;
const NEXT_DOOR_KM = 3;

/**
 * @typedef {object} City
 * @property {string} name
 * @property {number} latitude
 * @property {number} longitude
 * @property {number} rank thousands of people
 */

/**
 * Read the file of cities, the largest first.
 * @param {string} text
 * @returns {City[]}
 */
export function readCities(text) {
  return text.split("\n").map((line) => {
    const [name, latitude, longitude, rank] = line.split("\t");
    return { name, latitude: +latitude, longitude: +longitude, rank: +rank };
  });
}

/**
 * Return the city that people would name for a place: large or near; null where none is near.
 * @param {number} spreadKm how far the photos are from each other; the farther, the larger the city
 */
export function cityNear(cities, latitude, longitude, spreadKm = 0) {
  const shrink = Math.cos((latitude * Math.PI) / 180);
  const most = FARTHEST_KM / KM_PER_DEGREE;
  let [best, bestScore] = [null, Infinity];
  for (const city of cities) {
    const north = Math.abs(city.latitude - latitude);
    if (north > most) continue;
    const apart = Math.abs(city.longitude - longitude);
    const east = Math.min(apart, 360 - apart) * shrink;
    const km = Math.hypot(north, east) * KM_PER_DEGREE;
    const score = (km + Math.max(NEXT_DOOR_KM, spreadKm / 2)) / Math.cbrt(city.rank);
    if (km <= FARTHEST_KM && score < bestScore) [best, bestScore] = [city, score];
  }
  return best;
}

const degrees = (value, positive, negative) =>
  `${Math.abs(value).toFixed(1)}° ${value < 0 ? negative : positive}`;

/** Return a count with its noun: "1 photo", "2,000 photos". */
export function counted(count, noun) {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}

/** Return the name of a cluster, such as "12 photos near Lisbon". */
export function clusterName({ photos, latitude, longitude, within }, cities) {
  const count = counted(photos, "photo");
  const spreadKm = (within[2] - within[0]) * KM_PER_DEGREE;
  const city = cityNear(cities, latitude, longitude, spreadKm);
  if (city) return `${count} near ${city.name}`;
  return `${count} at ${degrees(latitude, "N", "S")}, ${degrees(longitude, "E", "W")}`;
}
