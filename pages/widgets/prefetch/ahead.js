// Draws nothing: holds what the chips would show first, for the grid to take when one is chosen.

export default function ({ data }) {
  document.sceneGalleryAhead = data;
  return () => {
    if (document.sceneGalleryAhead === data) delete document.sceneGalleryAhead;
  };
}
