// Moves on from what had the focus to what has it now.
// Returns {name, isOnScreen, isSeen}: of what has the focus, its name (null at the end of the page)
// and whether it is on the screen; of what had it before, whether it looks otherwise without it.
() => {
  const SHOWN = [
    "outlineStyle", "outlineWidth", "outlineColor", "boxShadow", "borderColor", "borderWidth",
    "backgroundColor", "color", "opacity", "textDecorationLine", "transform",
  ];
  const endAnimations = () => {
    for (const animation of document.getAnimations()) {
      if (animation.effect.getComputedTiming().endTime !== Infinity) animation.finish();
    }
  };
  const parent = (node) => node.parentElement ?? node.getRootNode().host;
  function around(node) {
    const nodes = [node];
    for (let i = 0; i < 4 && nodes.at(-1); i += 1) nodes.push(parent(nodes.at(-1)));
    return [...nodes.filter(Boolean), ...node.querySelectorAll("*")].slice(0, 40);
  }
  const look = (nodes) =>
    JSON.stringify(
      nodes.map((node) =>
        ["", "::before", "::after"].map((pseudo) => {
          const style = getComputedStyle(node, pseudo);
          return SHOWN.map((name) => style[name]);
        }),
      ),
    );

  endAnimations();
  const last = window.focusWalk;
  const isSeen = !last || !last.node.isConnected || look(last.nodes) !== last.look;
  let node = document.activeElement;
  while (node?.shadowRoot?.activeElement) node = node.shadowRoot.activeElement;
  if (!node || node === document.body) {
    window.focusWalk = undefined;
    return { name: null, isSeen };
  }
  const nodes = around(node);
  window.focusWalk = { node, nodes, look: look(nodes) };
  const { left, top, right, bottom } = node.getBoundingClientRect();
  const name = node.ariaLabel || node.textContent.trim() || node.outerHTML;
  return {
    name: `${node.tagName} ${name.slice(0, 80)}`,
    isSeen,
    isOnScreen: right > 0 && bottom > 0 && left < innerWidth && top < innerHeight,
  };
}
