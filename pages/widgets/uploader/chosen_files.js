// Files and folders chosen in a dialog or dropped.

async function readEntry(entry, parentPath, files) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => {
      entry.file(resolve, reject);
    }).catch(() => null);
    if (file) files.push({ file, path: parentPath + entry.name });
    return;
  }
  // A reader returns the children of a folder in batches of 100.
  const reader = entry.createReader();
  for (;;) {
    const children = await new Promise((resolve, reject) => {
      reader.readEntries(resolve, reject);
    }).catch(() => []);
    if (!children.length) return;
    for (const child of children) await readEntry(child, `${parentPath}${entry.name}/`, files);
  }
}

/**
 * Read dropped files and folders, with all their subfolders. Unreadable files are left out.
 * @param {DataTransfer} transfer
 * @returns {Promise<import("./engine.js").ChosenFile[]>}
 */
export async function readDropped(transfer) {
  // Before the first await: the transfer is emptied when the event handler returns.
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  const plainFiles = [...transfer.files];
  if (!entries.length) return plainFiles.map((file) => ({ file, path: file.name }));
  const files = [];
  for (const entry of entries) await readEntry(entry, "", files);
  return files;
}

/**
 * Open the file dialog of the browser.
 * @param {boolean} isFolder whether a folder is chosen instead of files
 * @param {(files: import("./engine.js").ChosenFile[]) => void} onChoose
 */
export function openFileDialog(isFolder, onChoose) {
  const input = document.createElement("input");
  input.type = "file";
  input.multiple = true;
  input.webkitdirectory = isFolder;
  input.onchange = () => {
    onChoose(
      [...input.files].map((file) => ({ file, path: file.webkitRelativePath || file.name })),
    );
  };
  input.click();
}
