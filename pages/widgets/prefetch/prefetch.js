// Draws nothing: stores the prefetched first pages for the grid.
import { shared } from "../shared.js";

/** @param {{data: import("../shared.js").Prefetched}} component */
export default function ({ data }) {
  shared.prefetched = data;
  return () => {
    if (shared.prefetched === data) shared.prefetched = null;
  };
}
