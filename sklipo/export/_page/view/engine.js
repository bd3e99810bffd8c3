// The worker that reads and classifies, asked one task after another.

const waiting = new Map();
let worker;
let lastNumber = 0;

export function startEngine() {
  const source = [textOf("libraries"), textOf("worker")];
  const address = URL.createObjectURL(new Blob(source, { type: "text/javascript" }));
  worker = new Worker(address);
  worker.onmessage = ({ data: { number, answer, error } }) => {
    const { resolve, reject } = waiting.get(number);
    waiting.delete(number);
    if (error === undefined) resolve(answer);
    else reject(new Error(error));
  };
  worker.onerror = (event) => {
    for (const { reject } of waiting.values()) reject(new Error(event.message));
    waiting.clear();
  };
  return ask("open", { wasm: textOf("wasm"), graph: textOf("graph") });
}

// Return a promise of the answer to a task of worker/main.js.
export function ask(task, values) {
  const number = ++lastNumber;
  return new Promise((resolve, reject) => {
    waiting.set(number, { resolve, reject });
    worker.postMessage({ number, task, values });
  });
}

export function textOf(id) {
  return document.getElementById(id).textContent;
}
