// A grid of photos: click or Enter opens one, the check box selects, arrow keys walk.
// All text is set as text, never as HTML: file names are whatever a stranger chose.
function cell(photo, selectable) {
  const item = document.createElement("li");
  item.className = "cell";
  item.dataset.id = photo.id;
  const open = document.createElement("button");
  open.type = "button";
  open.className = "open";
  open.setAttribute("aria-label", `Open ${photo.alt}`);
  const image = document.createElement("img");
  image.loading = "lazy";
  image.decoding = "async";
  image.alt = photo.alt;
  image.src = `/api/photos/${photo.id}/thumbnail`;
  const said = document.createElement("div");
  said.className = "said";
  const title = document.createElement("b");
  title.textContent = photo.title;
  said.append(title);
  for (const line of photo.lines) {
    const span = document.createElement("span");
    span.textContent = line;
    span.title = line;
    said.append(span);
  }
  open.append(image, said);
  item.append(open);
  if (selectable) {
    const pick = document.createElement("input");
    pick.type = "checkbox";
    pick.className = "pick";
    pick.setAttribute("aria-label", `Select ${photo.name}`);
    item.append(pick);
  }
  return item;
}

function columns(grid) {
  return getComputedStyle(grid).gridTemplateColumns.split(" ").length;
}

function walk(grid, event) {
  const buttons = [...grid.querySelectorAll(".open")];
  const at = buttons.indexOf(event.target.closest(".open"));
  const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns(grid), ArrowUp: -columns(grid) };
  if (at < 0 || !(event.key in step)) return;
  const next = buttons[at + step[event.key]];
  if (next) {
    event.preventDefault();
    next.focus();
  }
}

export default function (component) {
  const { parentElement, data, setTriggerValue, setStateValue } = component;
  let grid = parentElement.querySelector(".grid");
  if (!grid) {
    grid = document.createElement("ul");
    grid.className = "grid";
    grid.setAttribute("aria-label", "Photos");
    parentElement.append(grid);
  }
  grid.style.setProperty("--cell", data.cell);
  // Rebuilt only when the photos or their words change, so that nothing flickers on a rerun.
  const shown = JSON.stringify([data.photos, data.selectable]);
  const isRebuilt = grid.dataset.shown !== shown;
  if (isRebuilt) {
    grid.replaceChildren(...data.photos.map((photo) => cell(photo, data.selectable)));
    grid.dataset.shown = shown;
  }
  // The boxes belong to the visitor: an answer to the first click must not undo the second.
  // The server's word counts only where it changed the selection itself (a new revision).
  if (isRebuilt || grid.dataset.revision !== String(data.revision)) {
    grid.dataset.revision = String(data.revision);
    const chosen = new Set(data.selected);
    for (const item of grid.children) {
      const pick = item.querySelector(".pick");
      item.classList.toggle("selected", chosen.has(item.dataset.id));
      if (pick) pick.checked = chosen.has(item.dataset.id);
    }
  }
  grid.onclick = (event) => {
    const open = event.target.closest(".open");
    if (open) setTriggerValue("opened", open.parentElement.dataset.id);
  };
  grid.onchange = () => {
    const ids = [];
    for (const item of grid.children) {
      const pick = item.querySelector(".pick");
      item.classList.toggle("selected", pick.checked);
      if (pick.checked) ids.push(item.dataset.id);
    }
    setStateValue("selected", ids);
  };
  grid.onkeydown = (event) => walk(grid, event);
}
