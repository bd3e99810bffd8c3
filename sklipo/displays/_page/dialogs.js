// Questions that need an answer.

// Return a promise of what was answered; a canceled dialog answers null.
export function askDialog(dialog) {
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue || null), { once: true });
  });
}
