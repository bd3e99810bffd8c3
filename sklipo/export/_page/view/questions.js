// What only the user can know, asked in dialogs.

import { askDialog } from "../../../displays/_page/dialogs.js";
import { find } from "../../../displays/_page/elements.js";

export async function askForPixelSize() {
  const dialog = find("pixel-size-dialog");
  // There is no way on without it.
  dialog.oncancel = (event) => event.preventDefault();
  await askDialog(dialog);
  return Number(find("pixel-size-answer").value);
}

// Return which of two pictures has the labels, -1 if both are particles.
export async function askWhichIsLabels(jobs, pictures) {
  jobs.forEach(({ path }, i) => {
    find(`labels-${i}-name`).textContent = `${path} says which pixels are which particle`;
  });
  const counts = pictures.map(({ data }) => new Set(data).size);
  const guess = counts[0] < counts[1] ? 0 : 1;
  find(`labels-${guess}`).checked = true;
  await askDialog(find("labels-dialog"));
  return Number(document.querySelector('input[name="labels"]:checked').value);
}
